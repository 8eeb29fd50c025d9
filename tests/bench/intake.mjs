// What people would write instead of nginx and ons-webhook: fastify takes the
// deliveries, checks their signatures over the raw body, and inserts each into
// a table by pg's pool.  usage: intake.mjs POOL; prints its port.
import {createHmac, timingSafeEqual} from "node:crypto";
import Fastify from "fastify";
import pg from "pg";

const key = Buffer.from(process.env.ONS_WEBHOOK_SECRET.slice(6), "base64");
const pool = new pg.Pool({max: Number(process.argv[2])});
const app = Fastify({logger: false, bodyLimit: 16 << 20});

app.addContentTypeParser("application/json", {parseAs: "buffer"},
    (request, body, done) => done(null, body));

function authentic(headers, body) {
	const id = headers["webhook-id"], at = headers["webhook-timestamp"];
	if (!id || Math.abs(Date.now() / 1000 - at) > 300)
		return false;
	const expected = createHmac("sha256", key)
	    .update(`${id}.${at}.`).update(body).digest();
	return (headers["webhook-signature"] ?? "").split(" ").some((entry) => {
		const given = Buffer.from(entry.slice(3), "base64");
		return entry.startsWith("v1,") && given.length === expected.length &&
		    timingSafeEqual(given, expected);
	});
}

app.post("/webhooks/openphone", async (request, reply) => {
	const {headers, body} = request;
	if (!authentic(headers, body))
		return reply.code(401).send({error: "bad_signature"});
	const event = JSON.parse(body);
	await pool.query({
		name: "store",
		text: "INSERT INTO bench_node (delivery_key, event_id, type," +
		    " resource_id, occurred_at, headers, body)" +
		    " VALUES ($1, $2, $3, $4, $5, $6, $7)" +
		    " ON CONFLICT (delivery_key) DO NOTHING",
		values: [headers["webhook-id"], event.id, event.type,
		    event.data.resource.id, event.createdAt,
		    JSON.stringify(headers), body],
	});
	return {status: "accepted", delivery: headers["webhook-id"]};
});

await app.listen({host: "127.0.0.1", port: 0, backlog: 4096});
console.log(app.server.address().port);
