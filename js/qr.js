// A link as a picture, for the camera of a phone: for the host's own page and for sites.

import qrcode from "./vendor/qrcode.js";

/** A text as a QR code: dark squares on white, with the margin that cameras want. label says what it is. */
export function qrPicture(text, label) {
  const code = qrcode(0, "M");
  code.addData(text);
  code.make();
  const n = code.getModuleCount();
  let path = "";
  for (let y = 0; y < n; y++) for (let x = 0; x < n; x++) if (code.isDark(y, x)) path += `M${x + 4} ${y + 4}h1v1h-1z`;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${n + 8} ${n + 8}`);
  svg.setAttribute("class", "qr");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  const paper = svg.appendChild(document.createElementNS(svg.namespaceURI, "rect"));
  paper.setAttribute("width", n + 8);
  paper.setAttribute("height", n + 8);
  svg.appendChild(document.createElementNS(svg.namespaceURI, "path")).setAttribute("d", path);
  return svg;
}
