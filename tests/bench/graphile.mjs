// graphile-worker with the settings that its own performance test uses: jobs a
// second, between the runner's start and the end of the last job.
import { runMigrations, run } from "graphile-worker";
import pg from "pg";

const jobs = Number(process.argv[2]);
const pool = new pg.Pool({ max: 10 });
pool.on("error", console.error);
pool.on("connect", (client) => client.on("error", console.error));
const quiet = { log() {}, scope: () => quiet };
for (const level of ["error", "warn", "info", "debug"]) quiet[level] = () => {};
quiet.error = console.error;

await runMigrations({ pgPool: pool });
for (let i = 0; i < jobs; i += 10000)
	await pool.query(
		`SELECT count(*) FROM graphile_worker.add_jobs((
			SELECT array_agg(json_populate_record(
				NULL::graphile_worker.job_spec,
				json_build_object('identifier', 'nothing',
					'payload', json_build_object('id', i))))
			  FROM generate_series($1::int, $2::int) i))`,
		[i + 1, Math.min(i + 10000, jobs)]);
await pool.query("VACUUM ANALYZE graphile_worker._private_jobs");
await pool.query("CHECKPOINT");

let done = 0, finished;
const all = new Promise((resolve) => { finished = resolve; });
const began = performance.now();
const runner = await run({
	pgPool: pool,
	taskList: { nothing: () => { if (++done === jobs) finished(); } },
	preset: { worker: {
		concurrentJobs: 24,
		pollInterval: 2000,
		preparedStatements: true,
		completeJobBatchDelay: 0,
		failJobBatchDelay: 0,
		localQueue: { size: 500, refetchDelay: { durationMs: 10 } },
		logger: quiet,
	} },
});
await all;
await runner.stop();
const took = performance.now() - began;
const left = await pool.query(
	"SELECT count(*)::int AS n FROM graphile_worker._private_jobs");
if (left.rows[0].n !== 0) throw new Error(`${left.rows[0].n} jobs are left`);
await pool.end();
console.log(jobs / took * 1000);
