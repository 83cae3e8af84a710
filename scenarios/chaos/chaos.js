"use strict";
// The faults of a run: what they are, what landed, switches. One element, for the tab and for the page of its own.
(() => {
  const HERE = document.currentScript.src.replace(/chaos\.js.*$/, "");
  const LOOK_MS = 1000, MOUNT_MS = 200;

  const SKELETON = `
    <link rel="stylesheet" href="${HERE}chaos.css">
    <h2>Faults</h2>
    <p id="plan"></p>
    <p id="ends" class="quiet"></p>
    <p id="said" role="status"></p>
    <ul id="problems" class="problems" role="alert" hidden></ul>
    <div id="controls" hidden>
      <div class="scroll" tabindex="0" role="region" aria-label="Faults of the plan">
        <table>
          <thead><tr>
            <th scope="col">Fault</th><th scope="col">Kind</th><th scope="col">Meant for</th>
            <th scope="col" class="n">Planned</th><th scope="col" class="n">Struck</th><th scope="col" class="n">Last</th>
            <th scope="col">Share, in %</th><th scope="col">Switch</th>
          </tr></thead>
          <tbody id="faults"></tbody>
        </table>
      </div>
      <p id="none" class="quiet" hidden>This plan holds no fault.</p>
      <button id="stop" type="button">Stop chaos</button>
      <h3>Another plan</h3>
      <form id="named"><label for="name">By its name</label><select id="name"></select><button>Replace plan</button></form>
      <details>
        <summary>Paste one</summary>
        <form id="pasted">
          <label for="text">The plan, in TOML</label>
          <textarea id="text" rows="12" spellcheck="false"></textarea>
          <button>Replace plan</button>
        </form>
      </details>
      <h3>Changes</h3>
      <p id="unchanged" class="quiet">Nothing was changed so far.</p>
      <ol id="changes"></ol>
    </div>
    <p><a id="report" href="${HERE}report" target="_blank" hidden>Report of the last run</a></p>`;

  const ROW = `
    <th scope="row"></th><td></td><td class="meant"></td><td class="n"></td><td class="n"></td><td class="n"></td>
    <td><form><input type="number" min="0" max="100" step="any" required><button>Set</button></form></td>
    <td><button type="button" role="switch"></button></td>`;

  const isDark = () => localStorage.theme ? localStorage.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const seconds = (s) => `${s < 100 ? s.toFixed(1) : s.toFixed(0)} s`;
  const percent = (share) => String(+(share * 100).toFixed(4));

  function meantFor(told) {
    const [from, to] = told.during_s, words = [told.routes.join(", ").replace(/^\*$/, "every route")];
    if (told.models !== "*") words.push(`models ${told.models}`);
    for (const [name, glob] of Object.entries(told.headers)) words.push(`${name}: ${glob}`);
    if (told.attempts !== null) words.push(told.attempts === 1 ? "first attempt" : `first ${told.attempts} attempts`);
    if (from || to !== null) words.push(to === null ? `from ${from} s on` : `${from} s to ${to} s`);
    return words.join(" · ");
  }

  function inWords(change) {
    const what = {
      on: `${change.fault} on`,
      off: `${change.fault} off`,
      share: `${change.fault}: share now ${percent(change.value)} %`,
      plan: `plan now ${change.value}`,
      stop: "chaos stopped",
    }[change.action];
    return `${what}, by ${change.by}${change.why ? `: ${change.why}` : ""}`;
  }

  class Chaos extends HTMLElement {
    connectedCallback() {
      if (!this.shadowRoot) this.build();
      this.timer = setInterval(() => document.hidden || this.look(), LOOK_MS);
      this.look();
    }

    disconnectedCallback() {
      clearInterval(this.timer);
    }

    build() {
      this.attachShadow({mode: "open"}).innerHTML = SKELETON;
      this.rows = new Map();
      this.part("stop").onclick = () => this.change({stop: true}, "Chaos is stopped.");
      this.part("named").onsubmit = (event) => this.submitPlan(event, {plan_named: this.part("name").value});
      this.part("pasted").onsubmit = (event) => this.submitPlan(event, {plan: this.part("text").value});
    }

    part(id) {
      return this.shadowRoot.getElementById(id);
    }

    submitPlan(event, change) {
      event.preventDefault();
      this.change(change, "The plan was replaced.");
    }

    async look() {
      this.dataset.theme = isDark() ? "dark" : "light";
      const asked = this.asked = (this.asked || 0) + 1;
      let told;
      try {
        told = await (await fetch(`${HERE}faults`)).json();
      } catch {
        told = {state: null, why: "Locust does not answer.", plans: [], report: false};
      }
      if (asked === this.asked) this.show(told);
    }

    async change(change, said) {
      let problems;
      try {
        const answer = await fetch(`${HERE}faults`, {
          method: "POST", headers: {"content-type": "application/json"}, body: JSON.stringify(change),
        });
        problems = answer.ok ? [] : (await answer.json()).problems;
      } catch {
        problems = ["Locust does not answer."];
      }
      this.part("said").textContent = problems.length ? "" : said;
      this.part("problems").hidden = !problems.length;
      this.part("problems").replaceChildren(...problems.map((problem) => item(problem)));
      await this.look();
    }

    show({state, why, plans, report}) {
      this.part("controls").hidden = !state;
      this.part("report").hidden = !report;
      this.part("ends").textContent = state ? ends(state) : "";
      const plan = this.part("plan");
      plan.className = state && state.stopped ? "stopped" : "";
      plan.textContent = state ? planInWords(state) : why;
      if (!state) return;
      this.showPlans(plans);
      this.showFaults(state);
      this.showChanges(state.changes);
      this.part("stop").disabled = Boolean(state.stopped);
    }

    showPlans(plans) {
      const select = this.part("name"), known = [...select.options].map((option) => option.value);
      if (known.join("\n") !== plans.join("\n")) select.replaceChildren(...plans.map((name) => new Option(name)));
    }

    showFaults(state) {
      const names = state.faults.map((fault) => fault.name);
      for (const [name, row] of this.rows) {
        if (!names.includes(name)) row.remove(), this.rows.delete(name);
      }
      for (const fault of state.faults) {
        if (!this.rows.has(fault.name)) this.rows.set(fault.name, this.row(fault.name));
        this.showFault(this.rows.get(fault.name), fault, state);
      }
      this.part("none").hidden = names.length > 0;
    }

    row(name) {
      const row = this.part("faults").insertRow(), input = () => row.querySelector("input");
      row.innerHTML = ROW;
      row.dataset.fault = name;
      input().setAttribute("aria-label", `Share of ${name}, in %`);
      row.querySelector("form button").setAttribute("aria-label", `Set the share of ${name}`);
      input().oninput = () => { input().dataset.typed = "yes"; };
      row.querySelector("form").onsubmit = (event) => {
        event.preventDefault();
        delete input().dataset.typed;
        const share = +(input().value / 100).toFixed(6);
        this.change({fault: name, share}, `${name} strikes ${percent(share)} % of the calls it is meant for.`);
      };
      const button = row.querySelector("[role=switch]");
      button.setAttribute("aria-label", name);
      button.onclick = () => {
        const on = button.getAttribute("aria-checked") !== "true";
        this.change({fault: name, on}, `${name} is ${on ? "on" : "off"}.`);
      };
      return row;
    }

    showFault(row, fault, state) {
      const last = fault.last_struck_at_s, ago = last === null ? "–" : `${seconds(Math.max(0, state.at_s - last))} ago`;
      const cells = [fault.name, fault.kind, meantFor(fault.meant_for), fault.planned, fault.struck, ago];
      cells.forEach((text, n) => { row.cells[n].textContent = text; });
      const input = row.querySelector("input"), button = row.querySelector("[role=switch]");
      // What somebody is typing is theirs until it is set.
      if (!input.dataset.typed) input.value = percent(fault.share);
      button.setAttribute("aria-checked", fault.on);
      button.textContent = fault.on ? "On" : "Off";
    }

    showChanges(changes) {
      this.part("unchanged").hidden = changes.length > 0;
      const rows = changes.map((change) => {
        const time = document.createElement("time"), row = item("");
        time.textContent = new Date(Date.now() - change.ago_s * 1000).toLocaleTimeString();
        row.append(time, inWords(change));
        return row;
      });
      this.part("changes").replaceChildren(...rows.reverse());
    }
  }

  function item(text) {
    const made = document.createElement("li");
    made.textContent = text;
    return made;
  }

  function planInWords(state) {
    if (state.stopped) return `Chaos is stopped, ${state.stopped}. It goes on with another plan.`;
    const since = state.at_s === null ? "no call so far" : `${seconds(state.at_s)} since its first call`;
    return `Plan ${state.plan} (${state.digest}, seed ${state.seed}), ${since}`;
  }

  function ends({stop_after_s: after, halt_if: halt}) {
    const words = [];
    if (after !== null) words.push(`Ends by itself after ${after} s.`);
    if (halt) words.push(`Ends when more than ${percent(halt.error_share)} % of the users of ${halt.over_s} s get no right answer.`);
    return words.join(" ");
  }

  // In Locust's page: the element is there while its tab is chosen, and a link to the page of its own while there are no tabs.
  function mount() {
    document.documentElement.dataset.theme = isDark() ? "dark" : "light";
    const alone = document.querySelector("main > headwind-chaos"), root = document.getElementById("root");
    if (alone || !root) return;
    const tabs = document.querySelector("[role=tablist]"), here = document.querySelector("headwind-chaos");
    const chosen = tabs && new URLSearchParams(location.search).get("tab") === "chaos";
    if (chosen && !here) (tabs.closest(".MuiContainer-root") || root).append(document.createElement("headwind-chaos"));
    if (here && !chosen) here.remove();
    link.hidden = Boolean(tabs);
    link.style.color = isDark() ? "#62b5f2" : "#0b63a5";
  }

  const link = document.createElement("a");
  Object.assign(link, {href: HERE.replace(/\/$/, ""), textContent: "Chaos", hidden: true});
  link.style.cssText = "position: fixed; left: 24px; bottom: 12px; font: 15px system-ui, sans-serif; z-index: 9";
  if (document.getElementById("root")) document.body.append(link);
  customElements.define("headwind-chaos", Chaos);
  setInterval(mount, MOUNT_MS);
  mount();
})();
