// A list of things to do that everybody sees, and whose entries are their authors' to tick and to remove.

const form = document.querySelector("#add");
const list = document.querySelector("#list");
const error = document.querySelector("#error");

/** Does what a click asks for, and shows why it cannot be done. */
async function attempt(fn) {
  error.textContent = "";
  try {
    await fn();
  } catch (e) {
    error.textContent = `${e.code}: ${e.message}`;
  }
}

function item(todo) {
  const li = document.createElement("li");
  const mine = todo._owner === Goop.me.peer;
  li.dataset.id = todo._id;
  li.dataset.mine = mine;
  const tick = Object.assign(document.createElement("input"), { type: "checkbox", checked: todo.done, disabled: !mine, ariaLabel: "Done" });
  tick.addEventListener("change", () => attempt(() => Goop.data.update("todos", todo._id, { done: tick.checked })));
  const text = Object.assign(document.createElement(todo.done ? "s" : "span"), { textContent: todo.text });
  li.append(tick, " ", text);
  if (mine) {
    const remove = Object.assign(document.createElement("button"), { textContent: "Remove" });
    remove.addEventListener("click", () => attempt(() => Goop.data.remove("todos", todo._id)));
    li.append(" ", remove);
  }
  return li;
}

form.addEventListener("submit", (e) => {
  e.preventDefault();
  attempt(async () => {
    await Goop.data.insert("todos", { text: form.text.value, secret: form.secret.checked });
    form.reset();
  });
});

await Goop.ready;
await Goop.data.watch("todos", { order: ["_id"], limit: 1000 }, ({ rows }) => {
  list.replaceChildren(...rows.map(item));
  document.querySelector("#left").textContent = `${rows.filter((t) => !t.done).length} left`;
});
