// Reads what Go's runtime knows of a program's functions: the table that Go calls pclntab, which stands in
// the data of each program. It knows the layout that Go 1.20 to 1.26 write, for 64-bit pointers, as Go's
// WebAssembly has them, and refuses another.
//
// https://go.dev/src/runtime/symtab.go (pcHeader, _func)

const MAGIC = Buffer.from([0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8]);
const FUNC = 44; // bytes of a _func without what follows it

/**
 * The functions in the table that stands in one of the segments, in the order of the code section: {name,
 * names, entry, tables}, where the last three are the bytes that the name, the entry and the function's own tables
 * (of line numbers, stack sizes and the like) take. rest is what no function of its own has.
 */
export function functions(segments) {
  for (const { bytes } of segments) {
    const at = bytes.indexOf(MAGIC);
    if (at >= 0) return read(bytes.subarray(at));
  }
  throw new Error("there is no table of functions");
}

function read(table) {
  const field = (i) => Number(table.readBigUInt64LE(8 + 8 * i));
  const count = field(0);
  const [names, units, , tables, funcs] = [3, 4, 5, 6, 7].map(field);
  const seen = new Set();
  // A table is made of pairs of numbers and ends with a 0 where the next pair's first number would stand;
  // several functions may share one.
  const sizeOfTable = (offset) => {
    if (offset === 0 || seen.has(offset)) return 0;
    seen.add(offset);
    const start = tables + offset;
    let at = start;
    for (let first = true; first || table[at] !== 0; first = false) {
      for (let number = 0; number < 2; number++) while (table[at++] > 127);
    }
    return at + 1 - start;
  };
  const found = Array.from({ length: count }, (_, i) => {
    const at = funcs + table.readUInt32LE(funcs + 8 * i + 4);
    const number = (n) => table.readUInt32LE(at + 4 * n);
    const start = names + number(1);
    const name = table.toString("utf8", start, table.indexOf(0, start));
    const pcdata = number(7);
    const offsets = [number(4), number(5), number(6), ...Array.from({ length: pcdata }, (_, n) => number(FUNC / 4 + n))];
    return {
      name,
      names: name.length + 1,
      entry: 8 + FUNC + 4 * (pcdata + table[at + FUNC - 1]),
      tables: offsets.reduce((sum, offset) => sum + sizeOfTable(offset), 0),
    };
  });
  return { functions: found, names: units - names, tables: funcs - tables };
}
