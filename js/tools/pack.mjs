// Makes a Go program for browsers small on its way: the module packed, and packed once more by brotli.

import { brotliCompressSync, constants } from "node:zlib";
import { forgetLines } from "./pclntab.mjs";
import { assemble, dataSection, SECTION, sections, segments } from "./wasm.mjs";

/** Runs of zeros up to this length are written out; shorter and longer ones gave larger files. */
const GAP = 32;

/**
 * Go's linker leaves out every short run of zeros, which makes 50,000 segments of the data: a twentieth of
 * the compressed file, and as many copies for the browser before the program can start. The lines of the
 * source are another tenth. The custom sections are for Go's own tools.
 */
export function pack(module) {
  return assemble(
    sections(module).map((section) => {
      if (section.id !== SECTION.data) return section;
      const merged = merge(segments(section.content), GAP);
      forgetLines(merged);
      return { ...section, content: dataSection(merged) };
    }),
  );
}

export function brotli(bytes) {
  return brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
}

/**
 * Segments with the zeros between them written out where they are fewer than gap. A segment's place and
 * length are numbers that no compressor foresees, and zeros cost it next to nothing.
 */
function merge(list, gap) {
  const sorted = list.toSorted((a, b) => a.at - b.at);
  const merged = [];
  for (const { at, bytes } of sorted) {
    const last = merged.at(-1);
    if (last && at < last.end) throw new Error("two data segments overlap");
    if (last && at - last.end < gap) {
      last.parts.push(Buffer.alloc(at - last.end), bytes);
      last.end = at + bytes.length;
    } else {
      merged.push({ at, end: at + bytes.length, parts: [bytes] });
    }
  }
  return merged.map(({ at, parts }) => ({ at, bytes: Buffer.concat(parts) }));
}
