/*
 * intake.h - what ons-webhook answers.
 *
 * The webhook path is that of the workspace "default", and with "/NAME" behind
 * it that of the workspace NAME: whose secrets deliveries are signed with.
 * Where others take part in it ([webhook] path_of), each delivery is stored for
 * those whose numbers it is about, or may be about.
 *
 *   POST <webhook path>       verify, store or spool, 200 once it is durable
 *   GET, HEAD <webhook path>  200 {"status":"ready"}: senders probe it
 *   GET, HEAD /health         could a delivery be stored or spooled now?
 *
 * Refused are only: another method (405), another path (404), headers or a
 * body that are too large (431, 413), a body that came too slowly (408), is
 * cut short or empty (400), a signature that is missing, wrong or stale (401),
 * and what is no JSON object (400). All else that is authentic is kept. 503
 * when it can be neither stored nor spooled.
 */
#ifndef WEB_INTAKE_H
#define WEB_INTAKE_H

#include "base/err.h"
#include "ext/fcgi.h"
#include "model/conf.h"
#include "web/keyring.h"
#include "web/writer.h"

struct intake {
	const struct conf *conf;
	struct keyring **keyrings; /* in the order of conf's workspaces;
				    * NULL: it has no path of its own */
	struct writer *writer;
};

/* The writer is the caller's to start and to stop. conf must live as long. */
int intake_init(
    struct intake *intake, const struct conf *conf, struct err *err);
void intake_free(struct intake *intake);

void intake_answer(struct fcgi_request *req, struct intake *intake);

#endif
