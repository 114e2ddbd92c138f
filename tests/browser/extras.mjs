// What belongs to events beside orders, in a real browser: settings, categories, groups, seats, home components, figures, feedback,
// talks, the archive. Arguments: base URL, set-up code. With a third argument, a folder, it takes pictures on its way.

import { browse, open, submit, press, until, accessible, check, lookAt, founded, local, picture } from "./hall.mjs";

const [base, setupCode, pictures] = process.argv.slice(2);

/** A time so many hours from now. */
const hours = (count) => local(60 * count);

/** Looks at a page, and keeps its pictures when asked to. */
async function look(page, name, path) {
  if (path) await page.goto(base + path);
  await lookAt(page, pictures, name);
}

async function nameAndLogo(page) {
  await page.goto(`${base}/admin/space`);
  const logo = await picture(page);
  await submit(page, { app_name: "青松会务", frames: "nonsense" }, "form[action='/admin/brand'] button.primary");
  check((await page.$("#e-frames")) !== null && (await page.$eval("[name=app_name]", (field) => field.value)) === "青松会务", "a wrong site is named, what was typed is kept");
  await submit(page, { app_name: "青松会务", frames: "https://www.example.org", logo }, "form[action='/admin/brand'] button.primary");
  await until(page, ".brand", (said) => said === "青松会务", "the head of the page shows the application's name");
  const width = await page.$eval(".brand img", (found) => found.decode().then(() => found.naturalWidth));
  check(width === 64, `the logo stands in the head: ${width}`);
  check((await page.$eval("link[rel=icon]", (found) => found.type)) === "image/png", "the logo stands in the tab");
  await look(page, "settings");
}

async function categories(page) {
  await look(page, "categories-none", "/admin/category");
  for (const name of ["年会", "沙龙", "培训"]) await submit(page, { name }, "form[action='/admin/category'] button");
  await submit(page, { name: "沙龙" }, "form[action='/admin/category'] button");
  check((await page.$("#e-name")) !== null, "a name stands once");
  await page.goto(`${base}/admin/category`);
  const field = await page.$("input[value='培训']");
  await field.evaluate((found) => (found.value = "培训班"));
  await Promise.all([page.waitForNavigation(), field.evaluate((found) => found.form.requestSubmit())]);
  check((await page.$("input[value='培训班']")) !== null, "a category is renamed");
  await look(page, "categories");
  await page.$$eval("tbody tr [data-pick]", (boxes) => boxes.slice(0, 2).forEach((box) => (box.checked = true)));
  await press(page, ".sure button");
  check((await page.$$("tbody tr")).length === 1, "two of three are deleted at once");
}

async function makeEvent(page) {
  await page.goto(`${base}/admin/event/new`);
  await submit(page, { name: "年度大会", starts: hours(-1), ends: hours(9), new_category: "大会", notice: "请着正装\n请勿迟到", hide_left: true });
  const event = new URL(page.url()).pathname;
  await page.goto(`${base}${event}/checkin`);
  await submit(page, { checkin_from: hours(-1), checkin_to: hours(8) }, "form[action$='/checkin'] button");
  await page.goto(base + event);
  await press(page, "form[action$='/publish'] button");
  await until(page, "h1 .badge", (said) => said === "已发布", "the event is published");
  await look(page, "event-form", `${event}/edit`);
  check((await page.$eval("select[name=category] option:checked", (found) => found.textContent)) === "大会", "the category was made on the way");
  await look(page, "event-list", "/admin/event");
  const shelf = (name) => page.$$eval("select[name=category] option", (all, name) => all.find((one) => one.textContent === name).value, name);
  for (const [name, found] of [["大会", 1], ["沙龙", 0]]) {
    await page.goto(`${base}/admin/event?category=${await shelf(name)}`);
    check((await page.$$("tbody tr")).length === found, `the list shows the events of ${name}`);
  }
  return event;
}

/** Province and city are linked, with the page's module and without (S0-14). */
async function place(page, event) {
  await page.goto(`${base}${event}/edit`);
  const suggested = () => page.$$eval("#cities option", (all) => all.length);
  check((await suggested()) === 337 && (await page.$$("#provinces option")).length === 34, "every city is suggested at first");
  const type = (name, value) => page.$eval(`[name=${name}]`, (field, value) => { field.value = value; for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, { bubbles: true })); }, value);
  await type("province", "浙江省");
  check((await suggested()) === 11, `then those of the province: ${await suggested()}`);
  await type("province", "");
  await type("city", "杭州市");
  check((await page.$eval("[name=province]", (field) => field.value)) === "浙江省", "a city brings its province");
  await submit(page, { province: "江苏省", city: "杭州市" }, "form.form .submit button.primary");
  check((await page.$("#e-city")) !== null, "a city of another province is named at its field");
  await accessible(page);
  await submit(page, { province: "", city: "杭州", district: "西湖区" }, "form.form .submit button.primary");
  await page.goto(`${base}${event}/edit`);
  check((await page.$eval("[name=province]", (field) => field.value)) === "浙江省" && (await page.$eval("[name=city]", (field) => field.value)) === "杭州市", "the box writes the names out by itself");
  await page.goto(`${base}/admin/event/new`);
  const districts = () => page.$$eval("#districts option", (all) => all.map((one) => one.value).join());
  check((await districts()) === "西湖区", `a district that was typed before is suggested: ${await districts()}`);
  await type("city", "宁波市");
  check((await districts()) === "", "but not in another city");
  await type("city", "杭州市");
  check((await districts()) === "西湖区", "and in its own again");
}

async function noticeOnPhone(browser, event) {
  const phone = await open(browser, base + event.replace("/admin", ""), { width: 390, height: 844 });
  check(!(await phone.$eval("details.panel", (found) => found.open)), "the notice is folded");
  await phone.$eval("details.panel summary", (found) => found.click());
  await until(phone, "details.panel", (said) => said.includes("请着正装"), "and opens");
  await accessible(phone);
  return phone;
}

/** Adds somebody and answers the address of the registration. */
async function person(page, event, name, more = {}) {
  await page.goto(`${base}${event}/registration/new`);
  await submit(page, { name, ...more });
  await page.waitForSelector(".code");
  return new URL(page.url()).pathname;
}

async function groups(page, event) {
  await look(page, "groups-none", `${event}/group`);
  for (const group of ["嘉宾", "工作人员", "媒体"]) await submit(page, { group }, "form[action$='/group'] button");
  await submit(page, { group: "嘉宾" }, "form[action$='/group'] button");
  check((await page.$("#e-group")) !== null && (await page.$eval("#f-group", (field) => field.value)) === "嘉宾", "a name stands once, what was typed is kept");
  for (const [name, group] of [["张三", "嘉宾"], ["李四", "嘉宾"], ["王五", "工作人员"], ["赵六", "媒体"], ["孙七", ""]]) await person(page, event, name, { group });
  await page.goto(`${base}${event}/group`);
  const row = (name) => page.$$eval("tbody tr", (rows, name) => rows.map((one) => [...one.cells].slice(0, 3).map((cell) => cell.textContent)).find((cells) => cells[0] === name)?.join(), name);
  check((await row("嘉宾")) === "嘉宾,2,0", `the counts are there: ${await row("嘉宾")}`);
  await page.$eval("tbody tr:last-child details", (details) => (details.open = true));
  await look(page, "groups");
  const id = await page.$$eval("tbody tr", (rows) => rows.find((one) => one.cells[0].textContent === "媒体").querySelector("form").action.split("/").pop());
  await page.select(`form[action$='/group/${id}/merge'] select`, await page.$$eval(`form[action$='/group/${id}/merge'] option`, (all) => all.find((one) => one.textContent === "嘉宾").value));
  await press(page, `form[action$='/group/${id}/merge'] button`);
  check((await row("嘉宾")) === "嘉宾,3,0" && (await row("媒体")) === undefined, "merged groups are one");
}

/** Where an element of the page stands on the screen: its middle. */
async function middle(page, selector) {
  const found = await page.waitForSelector(selector);
  await found.evaluate((one) => one.scrollIntoView({ block: "center" }));
  const box = await found.evaluate((one) => { const at = one.getBoundingClientRect(); return [at.x + at.width / 2, at.y + at.height / 2]; });
  return box;
}

async function seats(browser, page, event) {
  const people = (selector) => page.$$eval(`${selector} [data-person] label span:first-of-type`, (all) => all.map((one) => one.textContent).sort().join());
  await person(page, event, "周八", { seat: "3-5-7" });
  await look(page, "seats-none", `${event}/seat`);
  await submit(page, { count: "0", seats: "2" }, "form[action$='/add'] button");
  check((await page.$("#e-count")) !== null, "a wrong number is named at its field");
  await submit(page, { count: "2", seats: "2", shape: "round" }, "form[action$='/add'] button");
  await submit(page, { count: "1", seats: "4", shape: "long", name: "主桌" }, "form[action$='/add'] button");
  check((await page.$$("[data-plan] [data-table]")).length === 3, "the tables stand on the plan");
  await until(page, "section.notice", (said) => said.includes("周八"), "what cannot be read is a conflict");
  // A table is dragged with the mouse, then moved by keys, then saved.
  const before = Number(await page.$eval("[name='table-1-x']", (field) => field.value));
  const [x, y] = await middle(page, "[data-table='1']");
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + 100, y + 150, { steps: 5 });
  await page.mouse.up();
  const dragged = Number(await page.$eval("[name='table-1-x']", (field) => field.value));
  check(dragged > before + 50, `a dragged table's number follows: ${before} to ${dragged}`);
  await page.$eval("[data-table='1']", (one) => one.focus());
  await page.keyboard.press("ArrowRight");
  check(Number(await page.$eval("[name='table-1-x']", (field) => field.value)) === dragged + 10, "an arrow key moves it by ten");
  check(await page.$eval("[data-unsaved]", (found) => !found.hidden), "the page says that this is not saved yet");
  await look(page, "seats-moved");
  await press(page, "form[action$='/plan'] button.primary");
  check(Number(await page.$eval("[name='table-1-x']", (field) => field.value)) === dragged + 10, "the plan is kept");
  // Somebody is dragged onto a table.
  const who = await page.$$eval(".seat-waiting [data-person]", (all) => all.find((one) => one.textContent.includes("王五")).dataset.person);
  const [fromX, fromY] = await middle(page, `[data-person='${who}'] .grip`);
  const table = await page.$eval("[data-table='3']", (one) => { const at = one.getBoundingClientRect(); return [at.x + at.width / 2, at.y + at.height / 2]; });
  check(table[1] > 0, `the table is in sight at ${table}`);
  await page.mouse.move(fromX, fromY);
  await page.mouse.down();
  await page.mouse.move(table[0], table[1], { steps: 8 });
  check((await page.$eval("[data-table='3']", (one) => one.classList.contains("target"))) && (await page.$(".ghost")) !== null, "the table below the pointer is marked");
  await Promise.all([page.waitForNavigation(), page.mouse.up()]);
  check((await people(".seat-tables details:nth-child(3)")) === "王五", "whoever was dragged sits there");
  // Without a mouse: tick, choose, press; a table takes no more than it has seats.
  await page.$$eval(".seat-waiting [data-person] input", (all) => all.slice(0, 3).forEach((box) => (box.checked = true)));
  await page.select(".seat-bar select", "1");
  await press(page, ".seat-bar button");
  await until(page, ".notice.tone-bad", (said) => said.includes("空位"), "a table for two takes no three");
  await press(page, "form[action$='/auto'] button");
  await until(page, ".notice.tone-good", (said) => said.includes("已为 4 人安排座位"), "the others are seated by themselves");
  check((await people(".seat-tables details:nth-child(3)")) === "张三,李四,王五,赵六", `the group of three is together where all of it fits: ${await people(".seat-tables details:nth-child(3)")}`);
  await page.$$eval(".seat-tables details", (all) => all.forEach((one) => (one.open = true)));
  await look(page, "seats");
  await look(page, "seats-print", `${event}/seat/print`);
  const printed = await page.$eval("main", (found) => found.textContent);
  check(printed.includes("主桌") && printed.includes("张三"), "the lists are printed");
}

/** The seat stands on the ticket once its holder is checked in (S0-43). */
async function seatOnTicket(browser, page, event) {
  await page.goto(`${base}${event}/registration?q=${encodeURIComponent("张三")}`);
  await press(page, "tbody td a");
  const registration = page.url();
  const link = await page.$eval("a[href^='/ticket/']", (found) => found.getAttribute("href"));
  const phone = await open(browser, base + link, { width: 390, height: 844 });
  const seat = () => phone.$$eval(".ticket .facts dt", (all) => all.find((one) => one.textContent === "座位号").nextElementSibling.textContent);
  check((await seat()) === "签到后显示", `before check-in the seat is not shown: ${await seat()}`);
  await accessible(phone);
  await press(page, "form[action$='/mark'] button");
  await phone.reload();
  check((await seat()) === "主桌", `after check-in it is: ${await seat()}`);
  await accessible(phone);
  check(page.url() === registration, "the secretariat stays on the registration");
  return link;
}

async function homeParts(browser, page) {
  await look(page, "home-parts-none", "/admin/home");
  await page.goto(`${base}/admin/home/new`);
  await submit(page, { title: "近期会议", style: "big", count: "0" });
  check((await page.$("#e-count")) !== null && (await page.$eval("[name=title]", (field) => field.value)) === "近期会议", "a wrong number is named, what was typed is kept");
  // The preview opens beside the form, and nothing is saved by it.
  await page.$eval("[name=count]", (field) => (field.value = "2"));
  const opened = new Promise((resume) => page.once("popup", resume));
  await page.$eval("button[formaction]", (button) => button.click());
  const preview = await opened;
  await preview.bringToFront();
  await preview.waitForSelector(".home-part .event-card");
  await preview.setViewport({ width: 390, height: 844 });
  await accessible(preview);
  await preview.close();
  await page.bringToFront();
  await submit(page, { count: "2" }, "form.form button.primary");
  await page.goto(`${base}/admin/home/new`);
  const category = await page.$$eval("select[name=category] option", (all) => all.find((one) => one.textContent === "大会").value);
  await submit(page, { title: "大会", style: "list", category, count: "5" });
  await look(page, "home-parts", "/admin/home");
  await press(page, "form[action$='/raise'] button");
  check((await page.$$eval("tbody a", (all) => all.map((one) => one.textContent).join())) === "大会,近期会议", "the order is changed");
  await press(page, "tbody a");
  await look(page, "home-part-form");
  const phone = await open(browser, base, { width: 390, height: 844 });
  check((await phone.$$eval(".home-part h2", (all) => all.map((one) => one.textContent).join())) === "大会,近期会议", "the home page shows its components in that order");
  check((await phone.$(".home-part .event-row")) !== null && (await phone.$(".home-part .event-card")) !== null, "one as a list, one as big pictures");
  await look(phone, "home");
  await look(phone, "part", "/part/1");
  await phone.goto(`${base}/?all=1`);
  await accessible(phone);
}

/** The tickets that a phone showed stand under "my events" (S0-79). */
async function myEvents(browser, link) {
  const phone = await open(browser, `${base}/my`, { width: 390, height: 844 });
  await accessible(phone);
  await until(phone, ".empty", (said) => said.includes("本机还没有门票"), "a new phone knows no ticket");
  await phone.goto(base + link);
  await phone.goto(`${base}/my`);
  await until(phone, ".event-row", (said) => said.includes("张三") && said.includes("已签到"), "the ticket that was shown stands there");
  await look(phone, "my");
  await press(phone, ".event-row");
  check(new URL(phone.url()).pathname === link, "and leads to the ticket");
}

async function figures(page, event) {
  const today = hours(0).slice(0, 10);
  await look(page, "overview", "/admin");
  await submit(page, { from: today, to: today }, "form.filter[action='/admin'] button");
  const stats = await page.$$eval(".stats:nth-of-type(2) dd, form.filter + .stats dd", (all) => all.map((one) => one.textContent).join());
  check(stats === "1,6,1", `the figures of today: ${stats}`);
  await look(page, "overview-day");
  await submit(page, { from: "2001-01-01", to: "2001-01-02" }, "form.filter[action='/admin'] button");
  await until(page, ".chart", (said) => said.includes("暂无数据"), "a time without events has no figures");
  await page.goto(base + event);
  await press(page, "a[href$='/figures']");
  await look(page, "figures-event");
  const days = await page.$$eval(".chart tbody tr", (rows) => rows.map((one) => one.textContent));
  check(days.length === 2 && days[0] === `${today}6` && days[1] === `${today}1`, `registrations and arrivals by day: ${days}`);
}

async function feedback(browser, page, event, link) {
  await look(page, "feedback-none", `${event}/feedback`);
  await page.goto(`${base}${event}/feedback/form`);
  const names = await page.$$eval("[name$='-label']", (all) => all.map((one) => one.name.replace("-label", "")));
  await submit(page, { opens: hours(-1), [`${names[0]}-label`]: "总体评价", [`${names[0]}-required`]: true, [`${names[1]}-label`]: "还会来吗", [`${names[1]}-kind`]: "choice", [`${names[1]}-choices`]: "会\n不会" });
  const more = await page.$$eval("[name$='-label']", (all) => all.map((one) => one.name.replace("-label", "")));
  check(more.length === 4, "two more questions can be written");
  await submit(page, { [`${more[2]}-label`]: "建议", [`${more[2]}-kind`]: "text" });
  await look(page, "feedback-form");
  const phone = await open(browser, base + link, { width: 390, height: 844 });
  await press(phone, "a[href$='/feedback']");
  await look(phone, "feedback-phone");
  await phone.$$eval("input[required]", (all) => all.forEach((one) => (one.required = false)));
  await submit(phone, { "answer-3": "场地很好" });
  check((await phone.$("#e-answer-1")) !== null && (await phone.$eval("[name=answer-3]", (field) => field.value)) === "场地很好", "a missing rating is named, what was typed is kept");
  await accessible(phone);
  await submit(phone, { "answer-1": "4", "answer-2": "会" });
  await until(phone, "main", (said) => said.includes("感谢您的反馈"), "the answers are taken");
  await phone.goto(base + link);
  await until(phone, "a[href$='/feedback']", (said) => said.includes("已提交反馈"), "the ticket says so");
  await press(phone, "a[href$='/feedback']");
  check((await phone.$("main form")) === null, "nobody answers twice");
  await page.goto(`${base}${event}/feedback`);
  await until(page, ".average", (said) => said.includes("4.00"), "the average stands there");
  await until(page, ".said", (said) => said === "场地很好", "without a name");
  await look(page, "feedback");
}

async function series(browser, page, event) {
  await look(page, "series-none", "/admin/series");
  await page.goto(`${base}/admin/series/new`);
  await submit(page, { title: "青松系列会议", intro: "**每年**一次" });
  await page.goto(`${base}${event}/edit`);
  const id = await page.$eval("select[name=series] option:last-child", (found) => found.value);
  await submit(page, { series: id }, "form.form .submit button.primary");
  await look(page, "series", `/admin/series/${id}`);
  const phone = await open(browser, base + event.replace("/admin", ""), { width: 390, height: 844 });
  await press(phone, "a[href^='/series/']");
  await until(phone, ".event-row", (said) => said.includes("年度大会"), "the series shows its events");
  await look(phone, "series-phone");
}

async function talks(browser, page, event, link) {
  await look(page, "talks-none", `${event}/talk`);
  const make = async (values) => {
    await page.goto(`${base}${event}/talk/new`);
    await submit(page, values);
  };
  await make({ title: "开幕", from: hours(0.2), to: hours(20) });
  check((await page.$("#e-from")) !== null && (await page.$eval("[name=title]", (field) => field.value)) === "开幕", "a talk outside the event is refused, what was typed is kept");
  await submit(page, { to: hours(1) });
  await make({ title: "人工智能工作坊", speaker: "陈老师", room: "A 厅", from: hours(2), to: hours(3), chosen: true, capacity: "1", intro: "请自带电脑" });
  await make({ title: "出海沙龙", room: "B 厅", from: hours(2.5), to: hours(3.5), chosen: true });
  await press(page, "form[action$='/list'] button");
  await press(page, "form[action$='/choosing'] button");
  await look(page, "talks");
  await page.goto(`${base}${event}/talk/2`);
  await look(page, "talk-form");
  const phone = await open(browser, base + event.replace("/admin", ""), { width: 390, height: 844 });
  await until(phone, ".agenda", (said) => said.includes("人工智能工作坊") && said.includes("A 厅"), "the agenda stands on the invitation");
  await look(phone, "agenda");
  await phone.goto(base + link);
  await press(phone, "a[href$='/talk']");
  await look(phone, "choose");
  await submit(phone, { talk: "2" });
  await until(phone, ".notice", (said) => said.includes("选择已保存"), "the choice is kept");
  await press(phone, "a[href$='/talk']");
  await submit(phone, { talk: "3" });
  await until(phone, ".notice", (said) => said.includes("时间冲突"), "two at one time are refused");
  check((await phone.$$eval("input[name=talk]:checked", (all) => all.length)) === 2, "what was ticked is kept");
  await accessible(phone);
  await page.goto(`${base}${event}/talk/2/people`);
  await until(page, "tbody", (said) => said.includes("张三"), "who chose stands in the talk's list");
  await look(page, "talk-people");
}

/** The event is moved into the past, its name is typed, and its people are gone (by hand). */
async function archive(page, event) {
  await look(page, "archive-early", `${event}/archive`);
  await page.goto(`${base}${event}/checkin`);
  await submit(page, { checkin_from: hours(-9), checkin_to: hours(-3) }, "form[action$='/checkin'] button");
  await page.goto(`${base}${event}/edit`);
  await submit(page, { starts: hours(-9), ends: hours(-2) }, "form.form .submit button.primary");
  await page.goto(base + event);
  await press(page, "a[href$='/archive']");
  await submit(page, { due: hours(-5) }, "form[action$='/plan'] button");
  check((await page.$("#e-due")) !== null, "a time before the end is named");
  await submit(page, { due: hours(500) }, "form[action$='/plan'] button");
  await submit(page, { confirm: "年度" }, "form[action$='/begin'] button");
  check((await page.$("#e-confirm")) !== null, "the name must be typed whole");
  await look(page, "archive");
  await submit(page, { confirm: "年度大会" }, "form[action$='/begin'] button");
  const deadline = Date.now() + 10_000;
  while (!(await page.$eval("main", (found) => found.textContent)).includes("已于")) {
    check(Date.now() < deadline, "the archiving ends");
    await page.goto(`${base}${event}/archive`);
  }
  await look(page, "archive-done");
  await page.goto(`${base}${event}/registration`);
  const list = await page.$eval("tbody", (found) => found.textContent);
  check(list.includes("张*") && !list.includes("张三"), `of the names initials stay: ${list}`);
  await page.goto(`${base}${event}/registration/new`);
  await submit(page, { name: "迟到" });
  await until(page, ".notice", (said) => said.includes("已归档"), "nobody is added any more");
}

await browse(async (browser) => {
  const page = await founded(browser, base, setupCode);
  await nameAndLogo(page);
  await categories(page);
  const event = await makeEvent(page);
  await place(page, event);
  await noticeOnPhone(browser, event);
  await groups(page, event);
  await seats(browser, page, event);
  const link = await seatOnTicket(browser, page, event);
  await homeParts(browser, page);
  await myEvents(browser, link);
  await figures(page, event);
  await feedback(browser, page, event, link);
  await series(browser, page, event);
  await talks(browser, page, event, link);
  await archive(page, event);
});
console.log("walked");
