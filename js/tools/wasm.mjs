// Reads and writes the sections of a WebAssembly module, as far as pack.mjs and ledger.mjs need it. It
// knows the binary format, and nothing of Go.
//
// https://webassembly.github.io/spec/core/binary/modules.html

/** Reads numbers and bytes of a module, one after the other. */
class Reader {
  constructor(bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  byte() {
    return this.bytes[this.at++];
  }

  take(length) {
    const part = this.bytes.subarray(this.at, this.at + length);
    if (part.length !== length) throw new Error("the module ends in the middle");
    this.at += length;
    return part;
  }

  unsigned() {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  /** A signed number of at most 32 bits. */
  signed() {
    let value = 0;
    for (let shift = 0; ; ) {
      const byte = this.byte();
      value |= (byte & 127) << shift;
      shift += 7;
      if (byte < 128) return shift < 32 && byte & 64 ? value | (-1 << shift) : value;
    }
  }

  text() {
    return this.take(this.unsigned()).toString("utf8");
  }
}

function unsigned(value) {
  const out = [];
  for (; value > 127; value >>>= 7) out.push((value & 127) | 128);
  return Buffer.from([...out, value]);
}

function signed(value) {
  const out = [];
  for (; value < -64 || value > 63; value >>= 7) out.push((value & 127) | 128);
  return Buffer.from([...out, value & 127]);
}

export const SECTION = { custom: 0, import: 2, code: 10, data: 11 };

/** The sections of a module, in order; a custom one has its name, and its content is what stands behind that. */
export function sections(module) {
  const reader = new Reader(module);
  if (reader.take(8).readBigUInt64LE() !== 0x1_6d73_6100n) throw new Error("this is no WebAssembly module");
  const found = [];
  while (reader.at < module.length) {
    const id = reader.byte();
    const content = new Reader(reader.take(reader.unsigned()));
    const name = id === SECTION.custom ? content.text() : "";
    found.push({ id, name, content: content.bytes.subarray(content.at) });
  }
  return found;
}

/** A module of sections; it gets no custom ones. */
export function assemble(list) {
  const header = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  const plain = list.filter(({ id }) => id !== SECTION.custom);
  return Buffer.concat([header, ...plain.flatMap(({ id, content }) => [Buffer.from([id]), unsigned(content.length), content])]);
}

/** The bodies of the code section. */
export function bodies(content) {
  const reader = new Reader(content);
  return Array.from({ length: reader.unsigned() }, () => reader.take(reader.unsigned()));
}

/** How many functions a module imports: in the index of functions they stand before its own. */
export function importedFunctions(content) {
  const reader = new Reader(content);
  const count = reader.unsigned();
  for (let i = 0; i < count; i++) {
    reader.text();
    reader.text();
    if (reader.byte() !== 0) throw new Error("an import that is no function");
    reader.unsigned();
  }
  return count;
}

/** The names of functions in the custom section "name", by index. */
export function functionNames(content) {
  const names = new Map();
  const reader = new Reader(content);
  while (reader.at < content.length) {
    const kind = reader.byte();
    const part = new Reader(reader.take(reader.unsigned()));
    if (kind !== 1) continue;
    for (let count = part.unsigned(); count > 0; count--) names.set(part.unsigned(), part.text());
  }
  return names;
}

/** The segments of the data section, {at, bytes}. */
export function segments(content) {
  const reader = new Reader(content);
  return Array.from({ length: reader.unsigned() }, () => {
    // A segment of memory 0, at an i32.const.
    if (reader.unsigned() !== 0 || reader.byte() !== 0x41) throw new Error("an unknown kind of data segment");
    const at = reader.signed();
    if (reader.byte() !== 0x0b) throw new Error("the place of a data segment is no constant");
    return { at, bytes: reader.take(reader.unsigned()) };
  });
}

export function dataSection(list) {
  const parts = list.flatMap(({ at, bytes }) => [Buffer.from([0, 0x41]), signed(at), Buffer.from([0x0b]), unsigned(bytes.length), bytes]);
  return Buffer.concat([unsigned(list.length), ...parts]);
}
