/* A small HTTP server by libmicrohttpd: GET and HEAD, with limits. */
#include "clinux.h"
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

struct server {
  struct MHD_Daemon *daemon;
  clinux_http_answer answer;
  void *context;
};

static enum MHD_Result respond(
    struct MHD_Connection *connection, unsigned status, const char *type, const char *allow,
    void *body, size_t count) {
  struct MHD_Response *response = MHD_create_response_from_buffer(count, body, MHD_RESPMEM_MUST_FREE);
  if (response == NULL) {
    free(body);
    return MHD_NO;
  }
  if (type != NULL) MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
  if (allow != NULL) MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, allow);
  enum MHD_Result result = MHD_queue_response(connection, status, response);
  MHD_destroy_response(response);
  return result;
}

static enum MHD_Result serve(
    void *context, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *upload, size_t *upload_count, void **state) {
  (void)version, (void)upload, (void)upload_count, (void)state;
  struct server *server = context;
  if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
    return respond(connection, MHD_HTTP_METHOD_NOT_ALLOWED, NULL, "GET, HEAD", NULL, 0);
  struct clinux_http_reply reply = {.status = MHD_HTTP_NOT_FOUND};
  server->answer(server->context, url, &reply);
  return respond(connection, (unsigned)reply.status, reply.type, NULL, reply.body, reply.count);
}

int clinux_http_start(
    int socket, unsigned connections, unsigned connections_per_address, clinux_http_answer answer,
    void *context, void **started) {
  struct server *server = malloc(sizeof *server);
  if (server == NULL) return -ENOMEM;
  server->answer = answer;
  server->context = context;
  errno = 0;
  /* poll(2): a descriptor may be above what select(2) takes. With a descriptor of its own it hears of its
   * end also while it takes no connections. */
  server->daemon = MHD_start_daemon(
      MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, serve, server, MHD_OPTION_LISTEN_SOCKET, socket,
      MHD_OPTION_CONNECTION_LIMIT, connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
      connections_per_address, MHD_OPTION_CONNECTION_TIMEOUT, 10u,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)16384, MHD_OPTION_END);
  if (server->daemon == NULL) {
    int error = errno == 0 ? EINVAL : errno;
    free(server);
    return -error;
  }
  *started = server;
  return 0;
}

void clinux_http_stop(void *started) {
  struct server *server = started;
  MHD_stop_daemon(server->daemon);
  free(server);
}
