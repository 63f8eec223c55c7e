// Package upstream has what the clients of other companies' APIs need to handle
// responses that do not keep to the documentation: it reads JSON members of any
// type, reads the Retry-After header, and masks private values in error texts.
//
// The clients decide what a response means.
package upstream
