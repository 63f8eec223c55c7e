// Package lint contains the analyzers that are specific to this project. A Resource
// can hold an error, so code that ignores a returned Resource ignores an error.
package lint

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/analysis"
)

// resourcePath is the import path of the package that declares Resource.
const resourcePath = "aisha/internal/resource"

// NewDroppedResource returns an analyzer that reports calls whose Resource is not
// used.
func NewDroppedResource() *analysis.Analyzer {
	return &analysis.Analyzer{
		Name: "droppedresource",
		Doc:  "report calls whose returned Resource is not used",
		Run:  run,
	}
}

func run(pass *analysis.Pass) (any, error) {
	for _, file := range pass.Files {
		ast.Inspect(file, func(node ast.Node) bool {
			for _, call := range unusedCalls(node) {
				if returnsResource(pass.TypesInfo.TypeOf(call)) {
					pass.Reportf(call.Pos(), "the Resource returned by this call is dropped, so its error is lost")
				}
			}
			return true
		})
	}
	return nil, nil
}

// unusedCalls returns the calls in a statement whose results are not used.
func unusedCalls(node ast.Node) []*ast.CallExpr {
	switch stmt := node.(type) {
	case *ast.ExprStmt:
		if call, ok := ast.Unparen(stmt.X).(*ast.CallExpr); ok {
			return []*ast.CallExpr{call}
		}
	case *ast.GoStmt:
		return []*ast.CallExpr{stmt.Call}
	case *ast.DeferStmt:
		return []*ast.CallExpr{stmt.Call}
	case *ast.AssignStmt:
		return blankedCalls(stmt)
	}
	return nil
}

// blankedCalls returns the calls whose single result is assigned to _.
func blankedCalls(stmt *ast.AssignStmt) []*ast.CallExpr {
	var calls []*ast.CallExpr
	if len(stmt.Lhs) != len(stmt.Rhs) {
		return nil
	}
	for i, left := range stmt.Lhs {
		name, blank := left.(*ast.Ident)
		call, ok := ast.Unparen(stmt.Rhs[i]).(*ast.CallExpr)
		if blank && name.Name == "_" && ok {
			calls = append(calls, call)
		}
	}
	return calls
}

func returnsResource(result types.Type) bool {
	named, ok := types.Unalias(result).(*types.Named)
	if !ok || named.Obj().Pkg() == nil {
		return false
	}
	return named.Obj().Name() == "Resource" && named.Obj().Pkg().Path() == resourcePath
}
