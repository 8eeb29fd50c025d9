// pg-boss, fetching and completing a thousand jobs at a time, which is its
// fastest way: jobs a second.
import PgBoss from "pg-boss";

const jobs = Number(process.argv[2]);
const boss = new PgBoss({
	host: process.env.PGHOST, port: Number(process.env.PGPORT),
	user: process.env.PGUSER, database: process.env.PGDATABASE, max: 10,
	supervise: false, schedule: false,
});
await boss.start();
await boss.createQueue("nothing");
for (let i = 0; i < jobs; i += 1000)
	await boss.insert(Array.from({ length: Math.min(1000, jobs - i) },
		(_, k) => ({ name: "nothing", data: { id: i + k } })));

let done = 0;
const began = performance.now();
while (done < jobs) {
	const fetched = await boss.fetch("nothing", { batchSize: 1000 });
	if (fetched.length === 0) throw new Error("no job is left");
	await boss.complete("nothing", fetched.map((job) => job.id));
	done += fetched.length;
}
const took = performance.now() - began;
await boss.stop({ graceful: false });
console.log(jobs / took * 1000);
