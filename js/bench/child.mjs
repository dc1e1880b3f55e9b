// A program that is asked and answers in lines of JSON.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

export class Child {
  constructor(command, args) {
    this.name = command;
    this.process = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.process.once("error", (e) => (this.failed = e));
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  get pid() {
    return this.process.pid;
  }

  /** The next line that it says. */
  async next() {
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`${this.name} has ended: ${this.failed ?? this.process.exitCode}`);
    return JSON.parse(value);
  }

  ask(request) {
    this.process.stdin.write(JSON.stringify(request) + "\n");
    return this.next();
  }

  end() {
    this.process.kill();
  }
}
