// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What a flame graph's script does, on as much of a browser as it needs:
//	node flame_dom.js FILE click NAME search REGEX reset hover NAME
// prints what is there after each step, as JSON.
"use strict";
const fs = require("fs"), vm = require("vm");
const [file, ...steps] = process.argv.slice(2);
const svg = fs.readFileSync(file, "utf8");
const plain = (s) => s.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&quot;/g, '"').replace(/&amp;/g, "&");

class Element {
	constructor(tag, attributes, text, children = []) {
		Object.assign(this, { tag, attributes, textContent: plain(text), children, listeners: {} });
		const classes = new Set((attributes.class || "").split(" "));
		this.classes = classes;
		this.classList = { toggle: (name, on) => (on ? classes.add(name) : classes.delete(name)) };
	}
	getAttribute(name) { return this.attributes[name] === undefined ? null : this.attributes[name]; }
	setAttribute(name, value) { this.attributes[name] = String(value); }
	getElementsByTagName(tag) { return this.children.filter((c) => c.tag === tag); }
	addEventListener(type, f) { this.listeners[type] = f; }
	fire(type) { this.listeners[type]({ preventDefault() {} }); }
}

function attributes(text) {
	const found = {};
	for (const [, name, value] of text.matchAll(/([\w-]+)="([^"]*)"/g))
		found[name] = plain(value);
	return found;
}

const frames = [...svg.matchAll(/^<g ([^>]*)><title>([^<]*)<\/title><rect ([^>]*)\/><text ([^>]*)>([^<]*)<\/text><\/g>$/gm)]
	.map(([, g, title, rect, text, label]) => new Element("g", attributes(g), "", [
		new Element("title", {}, title), new Element("rect", attributes(rect), ""),
		new Element("text", attributes(text), label)]));
const named = {};
for (const [, a, text] of svg.matchAll(/^<text (id=[^>]*)>([^<]*)<\/text>$/gm))
	named[attributes(a).id] = new Element("text", attributes(a), text);

const root = new Element("svg", attributes(svg.match(/<svg ([^>]*)>/)[1]), "");
const document = {
	documentElement: root, getElementById: (id) => named[id],
	getElementsByClassName: () => frames, addEventListener() {},
};
let term = "";
vm.runInNewContext(svg.match(/<!\[CDATA\[([^]*)\]\]>/)[1], { document, prompt: () => term });

const about = (f) => f.children[0].textContent;
const frame = (name) => frames.find((f) => about(f).startsWith(name + ": "));
const shown = () => frames.filter((f) => !f.classes.has("off")).map((f) => ({
	name: about(f), label: f.children[2].textContent, dim: f.classes.has("dim"),
	x: Number(f.children[1].attributes.x), width: Number(f.children[1].attributes.width),
	found: f.classes.has("found"),
}));
const did = [];
while (steps.length) {
	const step = steps.shift();
	if (step === "click")
		frame(steps.shift()).fire("click");
	else if (step === "hover")
		frame(steps.shift()).fire("mouseover");
	else if (step === "reset")
		named.reset.fire("click");
	else {
		term = steps.shift();
		named.search.fire("click");
	}
	did.push({ frames: shown(), matched: named.matched.textContent, details: named.details.textContent });
}
console.log(JSON.stringify(did));
