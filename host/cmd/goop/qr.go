package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	goqr "github.com/piglig/go-qr"
	console "golang.org/x/term"
)

// qrWhen says when a QR code is printed.
type qrWhen string

const (
	qrAuto   qrWhen = "auto" // into a terminal that is wide enough
	qrAlways qrWhen = "always"
	qrNever  qrWhen = "never"
)

// String, Set and Type make it a flag.
func (w *qrWhen) String() string { return string(*w) }

func (w *qrWhen) Set(s string) error {
	switch v := qrWhen(s); v {
	case qrAuto, qrAlways, qrNever:
		*w = v
		return nil
	}
	return fmt.Errorf("%q is not auto, always or never", s)
}

func (w *qrWhen) Type() string { return "when" }

// quiet is the margin that cameras want around a code, in modules.
const quiet = 4

// qrCode returns a text as a QR code for a terminal: two modules a character, one above the other. Its black
// and white are colours of their own, for a terminal may be dark or light, and then its own are the wrong
// way round for many cameras. width is in columns.
func qrCode(text string) (lines string, width int, err error) {
	code, err := goqr.EncodeText(text, goqr.Medium)
	if err != nil {
		return "", 0, fmt.Errorf("make a QR code: %w", err)
	}
	size := code.Size()
	dark := func(x, y int) bool {
		return x >= 0 && y >= 0 && x < size && y < size && code.Module(x, y)
	}
	const blackOnWhite, reset = "\x1b[38;5;16;48;5;231m", "\x1b[0m"
	var b strings.Builder
	for y := -quiet; y < size+quiet; y += 2 {
		b.WriteString("  " + blackOnWhite)
		for x := -quiet; x < size+quiet; x++ {
			switch upper, lower := dark(x, y), dark(x, y+1); {
			case upper && lower:
				b.WriteRune('█')
			case upper:
				b.WriteRune('▀')
			case lower:
				b.WriteRune('▄')
			default:
				b.WriteByte(' ')
			}
		}
		b.WriteString(reset + "\n")
	}
	return b.String(), size + 2*quiet + 2, nil
}

// printQR prints a text as a QR code if that is wanted and of use, with a line below that says what it is.
func printQR(out io.Writer, when qrWhen, text, below string) error {
	if when == qrNever || text == "" {
		return nil
	}
	lines, width, err := qrCode(text)
	if err != nil {
		return err
	}
	if columns := terminalWidth(out); when == qrAuto && columns < width {
		return nil
	}
	_, err = fmt.Fprintf(out, "%s  %s\n\n", lines, below)
	return err
}

// terminalWidth is how many columns a terminal has which shows colours, and 0 for everything else.
func terminalWidth(out io.Writer) int {
	f, ok := out.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" || !console.IsTerminal(int(f.Fd())) || !showsColours(f) {
		return 0
	}
	columns, _, err := console.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}
