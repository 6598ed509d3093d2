/*
 * A phone on Sofia-SIP, the stack of FreeSWITCH: sofia-phone USER DOMAIN PASSWORD PROXY-URI OWN-URI
 * It is told what to do on its standard input, one command a line, and says what happens on its standard output.
 */
#define NUA_MAGIC_T struct phone
#include <sofia-sip/nua.h>
#include <sofia-sip/nua_tag.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/soa_tag.h>
#include <sofia-sip/su_wait.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char const SDP[] =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n";

struct phone {
  su_home_t home[1];
  su_root_t *root;
  nua_t *nua;
  char const *user, *password, *aor;
  nua_handle_t *registration, *call, *subscription, *subscriber;
  char input[1024];
  size_t held;
};

/** A line with its number in front. */
static void say(char const *format, ...) {
  static int number = 0;
  va_list values;
  printf("%d ", ++number);
  va_start(values, format);
  vprintf(format, values);
  va_end(values);
  putchar('\n');
  fflush(stdout);
}

/** Whoever asks for credentials gets them. */
static void authenticate(struct phone *phone, nua_handle_t *handle, sip_t const *sip) {
  msg_auth_t const *challenge = sip->sip_www_authenticate ? sip->sip_www_authenticate : sip->sip_proxy_authenticate;
  char const *realm = challenge ? msg_params_find(challenge->au_params, "realm=") : NULL;
  if (realm == NULL) return;
  char const *words = su_sprintf(phone->home, "%s:%s:%s:%s", challenge->au_scheme, realm, phone->user, phone->password);
  nua_authenticate(handle, NUTAG_AUTH(words), TAG_END());
}

static void answered(struct phone *phone, nua_event_t event, int status, nua_handle_t *handle, sip_t const *sip) {
  if (status == 401 || status == 407) return authenticate(phone, handle, sip);
  say("%s %d", nua_event_name(event), status);
  if (event == nua_r_message && status >= 200) nua_handle_destroy(handle);
}

static nua_handle_t *to(struct phone *phone, char const *uri) {
  return nua_handle(phone->nua, NULL, NUTAG_URL(uri), SIPTAG_TO_STR(uri), SIPTAG_FROM_STR(phone->aor), TAG_END());
}

/** The state of a call, and which ways its sound goes: 1 out, 2 in, 3 both. */
static void changed(struct phone *phone, nua_handle_t *handle, tagi_t tags[]) {
  int state = 0, audio = 0;
  tl_gets(tags, NUTAG_CALLSTATE_REF(state), SOATAG_ACTIVE_AUDIO_REF(audio), TAG_END());
  if (state == nua_callstate_received && phone->call == NULL) {
    phone->call = handle;
    nua_respond(handle, SIP_180_RINGING, SOATAG_USER_SDP_STR(SDP), TAG_END());
  }
  say("%s %s, audio %d", handle == phone->call ? "call" : "transfer", nua_callstate_name(state), audio);
  if (state != nua_callstate_terminated) return;
  if (handle == phone->call) phone->call = NULL;
  nua_handle_destroy(handle);
}

/** RFC 3515: calls whoever the other end wants us to. */
static void referred(struct phone *phone, nua_handle_t *by, sip_t const *sip, tagi_t tags[]) {
  sip_event_t const *event = NULL;
  tl_gets(tags, NUTAG_REFER_EVENT_REF(event), TAG_END());
  nua_handle_t *transfer = to(phone, url_as_string(phone->home, sip->sip_refer_to->r_url));
  nua_invite(transfer, NUTAG_NOTIFY_REFER(by), NUTAG_REFER_EVENT(event), SIPTAG_REFERRED_BY(sip->sip_referred_by),
             SOATAG_USER_SDP_STR(SDP), TAG_END());
}

static void happened(nua_event_t event, int status, char const *phrase, nua_t *nua, struct phone *phone,
                     nua_handle_t *handle, nua_hmagic_t *magic, sip_t const *sip, tagi_t tags[]) {
  (void)magic;
  switch (event) {
  case nua_i_state:
    return changed(phone, handle, tags);
  case nua_i_refer:
    return referred(phone, handle, sip, tags);
  case nua_i_subscribe:
    phone->subscriber = handle;
    if (status < 200) nua_respond(handle, SIP_202_ACCEPTED, NUTAG_WITH_THIS(nua), TAG_END());
    return say("subscribed to %s", sip->sip_event->o_type);
  case nua_i_notify:
    return say("notified of %s: %s", sip->sip_event->o_type, sip->sip_subscription_state->ss_substate);
  case nua_i_message:
  case nua_i_info:
    return say("%s: %s", nua_event_name(event), sip->sip_payload->pl_data);
  case nua_i_invite:
    if (sip->sip_referred_by) say("referred by %s", url_as_string(phone->home, sip->sip_referred_by->b_url));
    return;
  default:
    if (sip && sip->sip_status) return answered(phone, event, status, handle, sip);
    say("%s %d %s", nua_event_name(event), status, phrase);
  }
}

static void obey(struct phone *phone, char *line) {
  char *verb = strtok(line, " "), *uri = strtok(NULL, " "), *rest = strtok(NULL, "");
  if (verb == NULL) return;
  if (!strcmp(verb, "register")) {
    phone->registration = to(phone, phone->aor);
    nua_register(phone->registration, TAG_END());
  } else if (!strcmp(verb, "unregister")) nua_unregister(phone->registration, TAG_END());
  else if (!strcmp(verb, "call")) {
    phone->call = to(phone, uri);
    nua_invite(phone->call, SOATAG_USER_SDP_STR(SDP), TAG_END());
  } else if (!strcmp(verb, "cancel")) nua_cancel(phone->call, TAG_END());
  else if (!strcmp(verb, "answer")) nua_respond(phone->call, SIP_200_OK, TAG_END());
  else if (!strcmp(verb, "hold")) nua_invite(phone->call, SOATAG_HOLD("audio"), TAG_END());
  else if (!strcmp(verb, "resume")) nua_update(phone->call, SOATAG_HOLD(""), TAG_END());
  else if (!strcmp(verb, "info"))
    nua_info(phone->call, SIPTAG_CONTENT_TYPE_STR("application/dtmf-relay"), SIPTAG_PAYLOAD_STR("Signal=5"), TAG_END());
  else if (!strcmp(verb, "refer"))
    nua_refer(phone->call, SIPTAG_REFER_TO_STR(uri), SIPTAG_REFERRED_BY_STR(phone->aor), TAG_END());
  else if (!strcmp(verb, "bye")) nua_bye(phone->call, TAG_END());
  else if (!strcmp(verb, "message"))
    nua_message(to(phone, uri), SIPTAG_CONTENT_TYPE_STR("text/plain"), SIPTAG_PAYLOAD_STR(rest), TAG_END());
  else if (!strcmp(verb, "subscribe")) {
    phone->subscription = to(phone, uri);
    nua_subscribe(phone->subscription, SIPTAG_EVENT_STR("presence"), SIPTAG_EXPIRES_STR("300"), TAG_END());
  } else if (!strcmp(verb, "unsubscribe")) nua_unsubscribe(phone->subscription, TAG_END());
  else if (!strcmp(verb, "notify"))
    nua_notify(phone->subscriber, NUTAG_SUBSTATE(nua_substate_active), SIPTAG_CONTENT_TYPE_STR("application/pidf+xml"),
               SIPTAG_PAYLOAD_STR("<presence/>"), TAG_END());
  else say("no such command: %s", verb);
}

static int commands(su_root_magic_t *magic, su_wait_t *wait, su_wakeup_arg_t *argument) {
  (void)magic, (void)wait;
  struct phone *phone = (struct phone *)argument;
  ssize_t count = read(0, phone->input + phone->held, sizeof phone->input - 1 - phone->held);
  if (count <= 0) _exit(0);
  phone->held += (size_t)count;
  phone->input[phone->held] = '\0';
  for (char *end; (end = strchr(phone->input, '\n')) != NULL;) {
    char line[sizeof phone->input];
    *end = '\0';
    strcpy(line, phone->input);
    phone->held -= (size_t)(end + 1 - phone->input);
    memmove(phone->input, end + 1, phone->held + 1);
    obey(phone, line);
  }
  return 0;
}

int main(int count, char **words) {
  if (count != 6) return 2;
  su_init();
  struct phone phone[1] = {{.user = words[1], .password = words[3]}};
  su_home_init(phone->home);
  phone->aor = su_sprintf(phone->home, "sip:%s@%s", words[1], words[2]);
  phone->root = su_root_create(NULL);
  su_root_threading(phone->root, 0);
  phone->nua = nua_create(phone->root, happened, phone, NUTAG_URL(words[5]), NUTAG_PROXY(words[4]),
                          NUTAG_OUTBOUND("no-outbound no-validate no-options-keepalive"), TAG_END());
  if (phone->nua == NULL) return 1;
  nua_set_params(phone->nua, NUTAG_AUTOALERT(0), NUTAG_AUTOANSWER(0), NUTAG_EARLY_MEDIA(1), NUTAG_ENABLEMESSAGE(1),
                 NUTAG_ALLOW("SUBSCRIBE, UPDATE, INFO, PRACK, REFER"), NUTAG_APPL_METHOD("SUBSCRIBE"),
                 NUTAG_ALLOW_EVENTS("presence"), SIPTAG_FROM_STR(phone->aor), TAG_END());
  su_wait_t wait[1];
  su_wait_create(wait, 0, SU_WAIT_IN);
  su_root_register(phone->root, wait, commands, (su_wakeup_arg_t *)phone, 0);
  say("ready");
  su_root_run(phone->root);
  return 0;
}
