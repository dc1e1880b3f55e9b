package main

import (
	"bytes"
	"image"
	"image/color"
	"os"
	"regexp"
	"strings"
	"testing"

	goqr "github.com/piglig/go-qr"
)

// TestQRCode reads the code as a camera does that sees the terminal.
func TestQRCode(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"http://192.168.1.5:7780/",
		"http://[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:7780/",
		"https://chess.example.org/#goop-invite=a-group-with-a-long-name.ABCDEFGHIJKLMNOPQRSTUVWXYZ",
	} {
		lines, width, err := qrCode(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := goqr.Decode(photograph(t, lines, width))
		if err != nil || got != text {
			t.Errorf("%s: the camera reads %q, %v", text, got, err)
		}
	}
}

// photograph paints what a terminal shows, whatever its own colours are: each line has to set both.
func photograph(t *testing.T, text string, width int) image.Image {
	t.Helper()
	const scale = 6
	line := regexp.MustCompile(`^  \x1b\[38;5;16;48;5;231m([ █▀▄]+)\x1b\[0m$`)
	rows := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	picture := image.NewGray(image.Rect(0, 0, width*scale, 2*len(rows)*scale))
	for i, row := range rows {
		m := line.FindStringSubmatch(row)
		if m == nil {
			t.Fatalf("line %d is not black on white from end to end: %q", i, row)
		}
		for x, r := range []rune(m[1]) {
			for half, dark := range []bool{r == '█' || r == '▀', r == '█' || r == '▄'} {
				shade := color.Gray{255}
				if dark {
					shade = color.Gray{0}
				}
				for p := range scale * scale {
					picture.SetGray(x*scale+p%scale, (2*i+half)*scale+p/scale, shade)
				}
			}
		}
		if n := len([]rune(m[1])); n != width-2 {
			t.Fatalf("line %d has %d columns, want %d", i, n, width-2)
		}
	}
	return picture.SubImage(image.Rect(0, 0, (width-2)*scale, 2*len(rows)*scale))
}

// TestPrintQR: into a file none is printed, unless somebody says so.
func TestPrintQR(t *testing.T) {
	t.Parallel()
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, f := range []*os.File{file, null} {
		if w := terminalWidth(f); w != 0 {
			t.Errorf("%s is a terminal of %d columns", f.Name(), w)
		}
	}
	for when, want := range map[qrWhen]bool{qrAuto: false, qrNever: false, qrAlways: true} {
		var out bytes.Buffer
		if err := printQR(&out, when, "http://192.168.1.5:7780/", "what it is"); err != nil {
			t.Fatal(err)
		}
		if got := strings.HasSuffix(out.String(), "  what it is\n\n"); got != want || !want && out.Len() > 0 {
			t.Errorf("%s: got %q", when, out.String())
		}
	}
	var when qrWhen
	if err := when.Set("sometimes"); err == nil {
		t.Error("--qr sometimes is taken")
	}
}
