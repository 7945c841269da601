package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"
)

// mutant is one small change, asleep until its id is called.
type mutant struct {
	id         int
	file       string // base name
	line, col  int
	what       string
	code       string // the line that it stands in
	start, end int    // offsets of what it replaces
	before     string // text around what it replaces, where it is built in
	after      string
	absolute   string
}

// key names a mutant across runs over the same sources.
func (m *mutant) key() string { return fmt.Sprintf("%s:%d:%d %s", m.file, m.line, m.col, m.what) }

// finder walks a file and collects what can be changed in it.
type finder struct {
	*source
	name    string
	mutants []*mutant
	pure    bool
}

// find gives the mutants of all files, numbered from 1.
func (s *source) find() []*mutant {
	f := finder{source: s}
	for _, file := range s.files {
		f.name = s.set.Position(file.Package).Filename
		for _, decl := range file.Decls {
			if constant, ok := decl.(*ast.GenDecl); ok && constant.Tok != token.VAR {
				continue
			}
			ast.Inspect(decl, f.visit)
		}
	}
	for i := range f.mutants {
		f.mutants[i].id = i + 1 // in the order of nesting: changed relies on it
	}
	return f.mutants
}

func (f *finder) visit(node ast.Node) bool {
	switch n := node.(type) {
	case *ast.GenDecl:
		return n.Tok == token.VAR
	case *ast.IfStmt:
		f.condition(n.Cond)
	case *ast.ForStmt:
		f.condition(n.Cond)
	case *ast.SwitchStmt:
		f.cases(n)
	case *ast.BinaryExpr:
		f.operator(n)
	case *ast.ReturnStmt:
		f.results(n)
	case *ast.BlockStmt:
		f.statements(n.List)
	case *ast.CaseClause:
		f.statements(n.Body)
	case *ast.CommClause:
		f.statements(n.Body)
	}
	return true
}

// add notes a mutant: node is wrapped in a call of the package that decides at run time.
func (f *finder) add(node ast.Node, what, call, rest string) {
	at, end := f.set.Position(node.Pos()), f.set.Position(node.End())
	f.mutants = append(f.mutants, &mutant{
		file: filepath.Base(f.name), absolute: f.name, line: at.Line, col: at.Column, what: what,
		start: at.Offset, end: end.Offset, before: call, after: rest, code: f.lineOf(at),
	})
}

// condition negates what is no comparison: those are negated as operators.
func (f *finder) condition(e ast.Expr) {
	for {
		paren, ok := e.(*ast.ParenExpr)
		if !ok {
			break
		}
		e = paren.X
	}
	if e == nil || f.constant(e) {
		return
	}
	if _, ok := e.(*ast.BinaryExpr); !ok {
		f.add(e, "negate "+f.code(e), "Flip(%d, ", ")")
	}
}

func (f *finder) cases(n *ast.SwitchStmt) {
	if n.Tag != nil {
		return
	}
	for _, clause := range n.Body.List {
		if c, ok := clause.(*ast.CaseClause); ok {
			for _, e := range c.List {
				f.condition(e)
			}
		}
	}
}

// other is what a comparison or an arithmetic operator is mistaken for.
var other = map[token.Token]string{
	token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">",
	token.ADD: "-", token.SUB: "+", token.MUL: "/", token.QUO: "*", token.REM: "*", token.AND: "|", token.SHL: ">>", token.SHR: "<<",
}

func (f *finder) operator(n *ast.BinaryExpr) {
	if f.constant(n) {
		return
	}
	switch n.Op {
	case token.LAND:
		f.add(n.X, "without "+f.code(n.X)+" &&", "True(%d, ", ")")
		f.add(n.Y, "without && "+f.code(n.Y), "True(%d, ", ")")
	case token.LOR:
		f.add(n.X, "without "+f.code(n.X)+" ||", "False(%d, ", ")")
		f.add(n.Y, "without || "+f.code(n.Y), "False(%d, ", ")")
	case token.EQL, token.NEQ:
		f.add(n, "negate "+f.code(n), "Flip(%d, ", ")")
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		f.add(n, "negate "+f.code(n), "Flip(%d, ", ")")
		f.exchange(n)
	default:
		f.exchange(n)
	}
}

// exchange takes another operator, where both sides can be evaluated twice.
func (f *finder) exchange(n *ast.BinaryExpr) {
	instead, ok := other[n.Op]
	if !ok || !f.numeric(n.X) || !f.isPure(n) {
		return
	}
	f.add(n, n.Op.String()+" is "+instead, "Pick(%d, ", ", "+f.code(n.X)+" "+instead+" "+f.code(n.Y)+")")
}

func (f *finder) numeric(e ast.Expr) bool {
	basic, ok := f.info.Types[e].Type.Underlying().(*types.Basic)
	return ok && basic.Info()&types.IsNumeric != 0
}

// isPure reports whether e can be evaluated twice: it calls nothing but built-in functions and conversions.
func (f *finder) isPure(e ast.Expr) bool {
	f.pure = true
	ast.Inspect(e, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.CallExpr:
			fun := f.info.Types[n.Fun]
			f.pure = f.pure && (fun.IsBuiltin() || fun.IsType())
		case *ast.FuncLit, *ast.UnaryExpr:
			if u, ok := n.(*ast.UnaryExpr); !ok || u.Op == token.ARROW {
				f.pure = false
			}
		}
		return true
	})
	return f.pure
}

func (f *finder) constant(e ast.Expr) bool { return f.info.Types[e].Value != nil }

// results turns booleans round, and loses errors and strings.
func (f *finder) results(n *ast.ReturnStmt) {
	for _, e := range n.Results {
		is := f.info.Types[e]
		if is.Type == nil || is.IsNil() {
			continue
		}
		if _, operator := e.(*ast.BinaryExpr); operator {
			continue
		}
		switch t := is.Type.(type) {
		case *types.Basic:
			switch {
			case t.Info()&types.IsBoolean != 0:
				f.add(e, "return not "+f.code(e), "Flip(%d, ", ")")
			case t.Info()&types.IsString != 0 && is.Value == nil:
				f.add(e, "return no string", "Zero(%d, ", ")")
			}
		case *types.Named:
			if t.String() == "error" {
				f.add(e, "return no error", "Zero(%d, ", ")")
			}
		}
	}
}

// statements leaves out one at a time: an assignment, a call, a jump, and the return at the end of a guard.
func (f *finder) statements(list []ast.Stmt) {
	for i, stmt := range list {
		switch n := stmt.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				f.leaveOut(n)
			}
		case *ast.ExprStmt, *ast.IncDecStmt, *ast.SendStmt, *ast.DeferStmt, *ast.GoStmt, *ast.BranchStmt:
			f.leaveOut(n)
		case *ast.ReturnStmt:
			if i == 0 && len(n.Results) == 0 {
				f.leaveOut(n)
			}
		case *ast.IfStmt:
			f.guard(n)
		}
	}
}

// guard leaves out the return with results at the end of an if's block.
func (f *finder) guard(n *ast.IfStmt) {
	if len(n.Body.List) == 0 {
		return
	}
	if last, ok := n.Body.List[len(n.Body.List)-1].(*ast.ReturnStmt); ok && len(last.Results) > 0 {
		f.leaveOut(last)
	}
}

func (f *finder) leaveOut(stmt ast.Stmt) {
	f.add(stmt, "without "+f.code(stmt), "if !%sAwake(%d) { ", " }")
}
