#include "api/media.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define MAX_REDIRECTS 3
#define SNIFF_SIZE 64

bool
media_host_allowed(const char *const *hosts, const char *host)
{
	size_t n = strlen(host), len;

	if (n > 0 && host[n - 1] == '.') /* the root's dot */
		n--;
	for (; *hosts != NULL; hosts++) {
		const char *suffix = *hosts + (**hosts == '.');

		len = strlen(suffix);
		if (len > 0 && len <= n &&
		    strncasecmp(host + n - len, suffix, len) == 0 &&
		    (len == n || host[n - len - 1] == '.'))
			return true;
	}
	return false;
}

/* The first spelling of each is the canonical one. */
static const struct known {
	const char *names; /* MIME types, space separated */
	struct media_type type;
} known[] = {
	{ "audio/mpeg audio/mp3 audio/x-mp3 audio/mpeg3 audio/x-mpeg",
	    { "audio/mpeg", "mp3" } },
	{ "audio/mp4 audio/m4a audio/x-m4a audio/mp4a-latm",
	    { "audio/mp4", "m4a" } },
	{ "audio/wav audio/x-wav audio/wave audio/vnd.wave",
	    { "audio/wav", "wav" } },
	{ "audio/ogg application/ogg audio/opus", { "audio/ogg", "ogg" } },
	{ "audio/aac audio/x-aac audio/aacp", { "audio/aac", "aac" } },
	{ "audio/amr audio/amr-nb", { "audio/amr", "amr" } },
	{ "audio/webm", { "audio/webm", "weba" } },
	{ "image/jpeg image/jpg image/pjpeg", { "image/jpeg", "jpg" } },
	{ "image/png image/x-png", { "image/png", "png" } },
	{ "image/gif", { "image/gif", "gif" } },
	{ "image/webp", { "image/webp", "webp" } },
	{ "image/heic image/heif", { "image/heic", "heic" } },
	{ "video/mp4 video/x-m4v", { "video/mp4", "mp4" } },
	{ "video/3gpp audio/3gpp video/3gp", { "video/3gpp", "3gp" } },
	{ "video/quicktime", { "video/quicktime", "mov" } },
	{ "video/webm", { "video/webm", "webm" } },
	{ "application/pdf application/x-pdf", { "application/pdf", "pdf" } },
	{ "text/vcard text/x-vcard text/directory", { "text/vcard", "vcf" } },
	{ "text/calendar", { "text/calendar", "ics" } },
	{ "text/plain", { "text/plain", "txt" } },
};

/* How files begin. */
static const struct magic {
	size_t offset;
	const char *bytes;
	size_t n;
	const char *mime;
} magics[] = {
	{ 0, "ID3", 3, "audio/mpeg" },
	{ 0, "OggS", 4, "audio/ogg" },
	{ 8, "WAVE", 4, "audio/wav" },
	{ 8, "WEBP", 4, "image/webp" },
	{ 0, "#!AMR", 5, "audio/amr" },
	{ 0, "\xff\xd8\xff", 3, "image/jpeg" },
	{ 0, "\x89PNG", 4, "image/png" },
	{ 0, "GIF8", 4, "image/gif" },
	{ 4, "ftypM4A", 7, "audio/mp4" },
	{ 4, "ftyphei", 7, "image/heic" },
	{ 4, "ftyp3g", 6, "video/3gpp" },
	{ 4, "ftypqt", 6, "video/quicktime" },
	{ 4, "ftyp", 4, "video/mp4" },
	{ 0, "%PDF-", 5, "application/pdf" },
	{ 0, "BEGIN:VCARD", 11, "text/vcard" },
	/* MPEG audio frames, layer III, of versions 1, 2 and 2.5 */
	{ 0, "\xff\xfb", 2, "audio/mpeg" },
	{ 0, "\xff\xfa", 2, "audio/mpeg" },
	{ 0, "\xff\xf3", 2, "audio/mpeg" },
	{ 0, "\xff\xf2", 2, "audio/mpeg" },
	{ 0, "\xff\xe3", 2, "audio/mpeg" },
	{ 0, "\xff\xe2", 2, "audio/mpeg" },
};

/* name without its parameters, found in the table; NULL: not known. */
static const struct media_type *
by_name(const char *name)
{
	const char *p;
	size_t i, n, len;

	if (name == NULL)
		return NULL;
	name += strspn(name, " \t");
	if ((n = strcspn(name, "; \t")) == 0)
		return NULL;
	for (i = 0; i < sizeof(known) / sizeof(*known); i++) {
		for (p = known[i].names; *p != '\0'; p += len) {
			p += strspn(p, " ");
			len = strcspn(p, " ");
			if (len == n && strncasecmp(p, name, n) == 0)
				return &known[i].type;
		}
	}
	return NULL;
}

static const struct media_type *
by_magic(const void *bytes, size_t n)
{
	const struct magic *m;

	for (m = magics; m < magics + sizeof(magics) / sizeof(*magics); m++)
		if (m->offset + m->n <= n &&
		    memcmp((const char *)bytes + m->offset, m->bytes, m->n) ==
			0)
			return by_name(m->mime);
	return NULL;
}

const struct media_type *
media_type(const char *header, const char *type, const void *bytes, size_t n)
{
	static const struct media_type unknown = { "application/octet-stream",
		"bin" };
	const struct media_type *found;

	if ((found = by_name(header)) == NULL &&
	    (found = by_name(type)) == NULL)
		found = by_magic(bytes, n);
	return found != NULL ? found : &unknown;
}

/* A page for people, sent in place of the file: by a captive portal, say. */
static bool
is_html(const char *header, const char *bytes, size_t n)
{
	static const char *const begins[] = { "<!doctype html", "<html" };
	size_t i, len;

	if (strncasecmp(header, "text/html", 9) == 0)
		return true;
	for (i = 0; i < sizeof(begins) / sizeof(*begins); i++) {
		len = strlen(begins[i]);
		if (len <= n && strncasecmp(bytes, begins[i], len) == 0)
			return true;
	}
	return false;
}

FILE *
media_temporary(const char *folder, struct err *err)
{
	char name[4096];
	FILE *file = NULL;
	int fd = -1, n;

	n = snprintf(name, sizeof(name), "%s/ons-media-XXXXXX",
	    folder != NULL ? folder : "/tmp");
	if (n > 0 && (size_t)n < sizeof(name) && (fd = mkstemp(name)) >= 0) {
		unlink(name);
		file = fdopen(fd, "w+b");
	}
	if (file == NULL) {
		err_sys(err, ERR_RETRY, "media: temporary file in %s",
		    folder != NULL ? folder : "/tmp");
		if (fd >= 0)
			close(fd);
	}
	return file;
}

static int
check_url(const struct media_policy *policy, const char *url,
    struct http_url *ret, struct err *err)
{
	const char *what = NULL;

	if (http_url_parse(url, ret) != 0) {
		err_set(err, ERR_PERMANENT, "media: not an http(s) URL");
		return -1;
	}
	if (!media_host_allowed(policy->hosts, ret->host))
		what = "a host that is not allowed ([media] hosts)";
	else if (!ret->https && !policy->allow_http)
		what = "not https";
	else if (ret->userinfo)
		what = "a URL with a user name";
	if (what == NULL)
		return 0;
	err_set(err, ERR_PERMANENT, "media: %s: %s", ret->host, what);
	return -1;
}

static void
fail(const char *host, const struct http_response *resp, struct err *err)
{
	int status = resp->status;
	enum err_kind kind = ERR_RETRY;

	if (status < 500 && status != 408 && status != 429)
		kind = ERR_PERMANENT;
	err_set(err, kind, "media: %s: %d", host, status);
	err->status = status;
	if (kind == ERR_RETRY && resp->retry_after_ms > 0)
		err->retry_after_ms = resp->retry_after_ms;
}

/* A 200 into file: is it the file that was promised? */
static int
accept_file(const char *host, const struct http_response *resp,
    const char *type, struct media *ret, struct err *err)
{
	char first[SNIFF_SIZE];
	const char *what = NULL;
	size_t n;

	rewind(ret->file);
	n = fread(first, 1, sizeof(first), ret->file);
	rewind(ret->file);
	if (resp->bytes == 0)
		what = "an empty file";
	else if (resp->length >= 0 && resp->length != resp->bytes)
		what = "not as long as announced";
	else if (is_html(resp->content_type, first, n))
		what = "an HTML page in place of the file";
	if (what != NULL) {
		err_set(err, ERR_RETRY, "media: %s: %s", host, what);
		return -1;
	}
	ret->size = resp->bytes;
	memcpy(ret->sha256, resp->sha256, sizeof(ret->sha256));
	ret->type = media_type(resp->content_type, type, first, n);
	return 0;
}

/* One hop. *next is set when it was a redirect, else ret is complete. */
static int
hop(struct http *http, const struct media_policy *policy, const char *url,
    const char *type, struct media *ret, char **next, struct err *err)
{
	const struct http_request req = { .method = "GET",
		.url = url,
		.public_only = !policy->allow_private,
		.timeout_ms = policy->timeout_ms,
		.low_speed_limit = policy->low_speed_limit,
		.low_speed_time = policy->low_speed_time,
		.sink = ret->file,
		.sink_max = policy->max_size };
	struct http_response resp = { 0 };
	struct http_url place;
	int rc = -1;

	if (check_url(policy, url, &place, err) != 0)
		goto out;
	if (http_perform(http, &req, &resp, err) != 0) {
		err_prefix(err, "media");
		goto out;
	}
	if (resp.status == 200) {
		rc = accept_file(place.host, &resp, type, ret, err);
	} else if (resp.status / 100 == 3 && resp.location != NULL) {
		*next = resp.location;
		resp.location = NULL;
		rc = 0;
	} else {
		fail(place.host, &resp, err);
	}
out:
	http_response_clear(&resp);
	return rc;
}

int
media_fetch(struct http *http, const struct media_policy *policy,
    const char *url, const char *type, struct media *ret, struct err *err)
{
	struct media media = { .file = media_temporary(policy->folder, err) };
	char *here = NULL, *next = NULL;
	int hops, rc = -1;

	for (hops = 0; media.file != NULL && rc != 0; hops++) {
		if (hops > MAX_REDIRECTS) {
			err_set(err, ERR_PERMANENT,
			    "media: redirected more "
			    "than %d times",
			    MAX_REDIRECTS);
			break;
		}
		if (hop(http, policy, here != NULL ? here : url, type, &media,
			&next, err) != 0)
			break;
		if (next == NULL)
			rc = 0;
		free(here);
		here = next;
		next = NULL;
	}
	free(here);
	if (rc == 0)
		*ret = media;
	else
		media_clear(&media);
	return rc;
}

void
media_clear(struct media *media)
{
	if (media->file != NULL)
		fclose(media->file);
	media->file = NULL;
}
