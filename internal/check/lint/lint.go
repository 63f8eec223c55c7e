// Package lint decides what the linters of others cannot know of this project:
// that a Resource is an outcome, and dropping one drops an error.
package lint

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/analysis"
)

// resourcePath is the package whose Resource must not be dropped.
const resourcePath = "aisha/internal/resource"

// NewDroppedResource makes the analyzer.
func NewDroppedResource() *analysis.Analyzer {
	return &analysis.Analyzer{
		Name: "droppedresource",
		Doc:  "reports calls whose Resource nobody looks at",
		Run:  run,
	}
}

func run(pass *analysis.Pass) (any, error) {
	for _, file := range pass.Files {
		ast.Inspect(file, func(node ast.Node) bool {
			for _, call := range droppedCalls(node) {
				if returnsResource(pass.TypesInfo.TypeOf(call)) {
					pass.Reportf(call.Pos(), "the Resource of this call is dropped, and with it its error")
				}
			}
			return true
		})
	}
	return nil, nil
}

// droppedCalls are the calls in a statement whose results go nowhere.
func droppedCalls(node ast.Node) []*ast.CallExpr {
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

// blankedCalls are the calls assigned to _.
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
