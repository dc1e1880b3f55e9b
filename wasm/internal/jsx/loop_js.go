package jsx

import "syscall/js"

// Loop is the event loop, for goroutines that have kept it busy. It lives as long as the page.
type Loop struct {
	port   js.Value
	passed chan struct{} // holds a token for each message that has come round
}

// NewLoop returns a Loop. A message to oneself is what waits for the other tasks and for nothing else: a timer
// rests for 4 ms in addition, and for a second in a page that nobody looks at.
func NewLoop() *Loop {
	channel := js.Global().Get("MessageChannel").New()
	l := &Loop{port: channel.Get("port2"), passed: make(chan struct{}, 64)}
	channel.Get("port1").Set("onmessage", js.FuncOf(func(js.Value, []js.Value) any { // never released
		l.passed <- struct{}{}
		return nil
	}))
	return l
}

// Pass waits until the event loop has done what it has: input and painting too. It must not be called from a
// callback, and by no more than 64 goroutines at once.
func (l *Loop) Pass() {
	l.port.Call("postMessage", js.Null())
	<-l.passed
}
