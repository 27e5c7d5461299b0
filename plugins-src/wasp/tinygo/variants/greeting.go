//go:build !keepsinput

package main

func greeting(name string) string { return "Hello " + name }
