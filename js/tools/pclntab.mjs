// Reads what Go's runtime knows of a program's functions, the table that Go calls pclntab, which stands in the
// data of each program, and takes out of it what is for a person only. It knows the layout that Go 1.20 to 1.26
// write for pointers of 64 bits, which Go's WebAssembly has, and refuses another.
//
// https://go.dev/src/runtime/symtab.go (pcHeader, _func, funcline1)

const MAGIC = Buffer.from([0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8]);

/** Where the fields of a _func stand, in bytes, and how long it is without what follows it. */
const FUNC = { name: 4, pcsp: 16, pcfile: 20, pcln: 24, pcdata: 28, unit: 32, startLine: 36, funcdata: 43, size: 44 };

/** Finds the table in one of the segments {at, bytes}. */
function find(segments) {
  for (const { bytes } of segments) {
    const at = bytes.indexOf(MAGIC);
    if (at < 0) continue;
    const table = bytes.subarray(at);
    const field = (i) => Number(table.readBigUInt64LE(8 + 8 * i));
    const [names, units, files, tables, funcs] = [3, 4, 5, 6, 7].map(field);
    if (!(names < units && units < files && files < tables && tables < funcs && funcs < table.length)) break;
    const entries = Array.from({ length: field(0) }, (_, i) => funcs + table.readUInt32LE(funcs + 8 * i + 4));
    return { table, names, units, tables, funcs, entries };
  }
  throw new Error("there is no table of functions, or not as Go 1.20 to 1.26 write it");
}

/**
 * The length of the pc table at an offset of the tables: pairs of numbers, and a 0 where the next pair's first
 * would stand. Functions share what is equal.
 */
function lengthOf({ table, tables, funcs }, offset) {
  let at = tables + offset;
  for (let first = true; first || table[at] !== 0; first = false) {
    for (let number = 0; number < 2; number++) while (table[at++] > 127);
  }
  if (at >= funcs) throw new Error("a pc table has no end");
  return at + 1 - tables - offset;
}

/** The offsets of a function's own tables; those of files and lines are 0 when they were taken out. */
function offsetsOf({ table }, at) {
  const number = (field) => table.readUInt32LE(at + field);
  const pcdata = Array.from({ length: number(FUNC.pcdata) }, (_, i) => number(FUNC.size + 4 * i));
  return { kept: [number(FUNC.pcsp), ...pcdata].filter(Boolean), lines: [number(FUNC.pcfile), number(FUNC.pcln)].filter(Boolean) };
}

/**
 * The functions in the order of the code section: {name, names, entry, tables}, where the last three are the
 * bytes that the name, the entry and the function's own pc tables take; names and tables are the bytes of all
 * names and pc tables together, those that belong to inlined functions and to many included.
 */
export function functions(segments) {
  const all = find(segments);
  const { table, names, units, tables, funcs, entries } = all;
  const seen = new Set();
  const found = entries.map((at) => {
    const start = names + table.readUInt32LE(at + FUNC.name);
    const name = table.toString("utf8", start, table.indexOf(0, start));
    const { kept, lines } = offsetsOf(all, at);
    const own = [...kept, ...lines].filter((offset) => !seen.has(offset) && seen.add(offset));
    return {
      name,
      names: name.length + 1,
      entry: 8 + FUNC.size + 4 * (table.readUInt32LE(at + FUNC.pcdata) + table[at + FUNC.funcdata]),
      tables: own.reduce((sum, offset) => sum + lengthOf(all, offset), 0),
    };
  });
  return { functions: found, names: units - names, tables: funcs - tables };
}

/**
 * Writes zeros over the names of source files and the lines of code, in place. Without them a traceback of
 * the program has the names of functions and "?:0" for their lines, as it has for code without any; nothing
 * else reads them.
 */
export function forgetLines(segments) {
  const all = find(segments);
  const { table, units, tables, funcs, entries } = all;
  const kept = new Uint8Array(funcs - tables);
  kept[0] = 1; // offset 0 stands for no table
  for (const at of entries) {
    for (const offset of offsetsOf(all, at).kept) kept.fill(1, offset, offset + lengthOf(all, offset));
  }
  for (const at of entries) {
    for (const field of [FUNC.pcfile, FUNC.pcln, FUNC.unit, FUNC.startLine]) table.writeUInt32LE(0, at + field);
  }
  kept.forEach((keep, offset) => {
    if (!keep) table[tables + offset] = 0;
  });
  table.fill(0, units, tables); // which files a package has, and their names
}
