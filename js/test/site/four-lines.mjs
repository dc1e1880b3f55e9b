const groups = await Goop.data.query("_groups");
Goop.group.join("chess-42", function(msg) { console.log("Received:", msg); });
Goop.group.send({ move: "e2e4" });
Goop.group.leave();

document.body.dataset.groups = groups.map((g) => g.id).join(" ");
