// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What a flame graph does at a click: its frames tell where they begin and how wide they are, in
// the values that were counted.
"use strict";
(function () {
	const MARGIN = 10, LETTER = 7, svg = document.documentElement;
	const inside = Number(svg.getAttribute("width")) - 2 * MARGIN;
	const total = Number(svg.getAttribute("data-total")) || 1;
	const by = (id) => document.getElementById(id);
	const frames = Array.from(document.getElementsByClassName("f"), (g) => {
		const [title, rect, text] = ["title", "rect", "text"].map((t) => g.getElementsByTagName(t)[0]);
		return {
			g, rect, text, about: title.textContent,
			name: title.textContent.replace(/: [^:]*$/, ""),
			x: Number(g.getAttribute("data-x")), w: Number(g.getAttribute("data-w")),
			y: Number(rect.getAttribute("y")),
		};
	});

	function label(f, width) {
		const room = Math.floor((width - 6) / LETTER), letters = Array.from(f.name);
		f.text.textContent = letters.length <= room ? f.name
			: room < 3 ? "" : letters.slice(0, room - 2).join("") + "..";
	}

	function place(f, x, width) {
		f.rect.setAttribute("x", x.toFixed(1));
		f.rect.setAttribute("width", width.toFixed(1));
		f.text.setAttribute("x", (x + 3).toFixed(1));
		label(f, width);
	}

	// Callers, which are below, take the whole width; what isn't called from there goes.
	function zoom(to) {
		for (const f of frames) {
			const below = f.y > to.y && f.x <= to.x && f.x + f.w >= to.x + to.w;
			const above = f.y <= to.y && f.x >= to.x && f.x + f.w <= to.x + to.w;

			f.g.classList.toggle("off", !below && !above);
			f.g.classList.toggle("dim", below);
			if (below)
				place(f, MARGIN, inside);
			else if (above)
				place(f, MARGIN + inside * (f.x - to.x) / (to.w || 1), inside * f.w / (to.w || 1));
		}
		by("reset").classList.toggle("off", to.w === total);
	}

	// What is matched counts once, however deep.
	function search(term) {
		let pattern = null, matched = 0, end = -1;

		try {
			pattern = term ? new RegExp(term) : null;
		} catch (error) {
			by("matched").textContent = String(error.message);
			return;
		}
		const found = frames.filter((f) => pattern && pattern.test(f.name));
		for (const f of frames)
			f.g.classList.toggle("found", found.includes(f));
		found.sort((a, b) => a.x - b.x || b.w - a.w);
		for (const f of found) {
			if (f.x < end)
				continue;
			matched += f.w;
			end = f.x + f.w;
		}
		by("matched").textContent = pattern ? "matched: " + (100 * matched / total).toFixed(1) + "%" : "";
		by("search").textContent = pattern ? "Reset search" : "Search";
	}

	function ask() {
		if (by("search").textContent !== "Search")
			return search("");
		const term = prompt("Regular expression for names of functions:", "");
		return term ? search(term) : undefined;
	}

	for (const f of frames) {
		f.g.addEventListener("click", () => zoom(f));
		f.g.addEventListener("mouseover", () => { by("details").textContent = f.about; });
		f.g.addEventListener("mouseout", () => { by("details").textContent = ""; });
	}
	by("reset").addEventListener("click", () => zoom({ x: 0, w: total, y: Infinity }));
	by("search").addEventListener("click", ask);
	document.addEventListener("keydown", (event) => {
		if ((event.ctrlKey && event.key === "f") || event.key === "F3") {
			event.preventDefault();
			ask();
		}
	});
})();
