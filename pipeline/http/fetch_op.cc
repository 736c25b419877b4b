#include "pipeline/http/fetch_op.h"

#include "pipeline/http/client_body.h"
#include "pipeline/http/client_settings.h"
#include "pipeline/http/header_text.h"
#include "pipeline/http/redirect.h"
#include "storage/base/clock.h"
#include "storage/base/duration.h"

#include <algorithm>

namespace troupe::http {
namespace {

constexpr size_t max_response_head = 60 << 10;
constexpr size_t max_kept_request = 16 << 10;
constexpr int64_t min_attempt_ns = 250'000'000;

bool safe_to_repeat(const std::string& method) {
  return method == "GET" || method == "HEAD";
}

bool put_headers(std::string& out, const headers& from, bool all) {
  bool agent = false;
  for (const auto& h : from) {
    if (!all && !harmless_header(h.name))
      continue;
    agent = agent || equal_fold(h.name, "User-Agent");
    put_header(out, h.name, h.value);
  }
  return agent;
}

}  // namespace

fetch_op::fetch_op(fetch_loop& loop, fetch_request request, std::shared_ptr<fetch_batch> batch)
    : loop_(loop),
      request_(std::move(request)),
      batch_(std::move(batch)),
      to_(request_.to),
      method_(request_.method),
      started_ms_(loop.clock_.now_ms()),
      started_ns_(loop.clock_.monotonic_ns()),
      deadline_ns_(started_ns_ + request_.timeout_ms * 1'000'000) {
  deadline.owner = this;
}

void fetch_op::start() {
  loop_.wheel_.set(deadline, deadline_ns_);
  for (const auto& h : request_.header_fields)
    if (!valid_header_name(h.name) || !valid_header_value(h.value))
      return fail({errc::invalid_argument, "bad header \"" + h.name + "\""});
  connect(false);
}

void fetch_op::proceed() {
  connect(retried_);
}

void fetch_op::connect(bool fresh) {
  phase_ = phase::waiting;
  connection_ = loop_.checkout(*this, fresh);
  if (!connection_)
    return;
  connection_->use_by(this);
  if (reused_) {
    // Only what may be sent twice is risked on a connection that the peer may have closed.
    if (safe_to_repeat(method_) || !connection_->stale())
      return exchange();
    loop_.discard(std::move(connection_));
    retried_ = true;
    return connect(true);
  }
  resolve();
}

void fetch_op::resolve() {
  phase_ = phase::resolving;
  next_address_ = 0;
  const std::string& host = to_->where().host;
  if (is_ip_literal(host)) {
    addresses_ = std::make_shared<const std::vector<std::string>>(1, host);
    return connect_to_next();
  }
  loop_.names_.resolve(host, [weak = weak_from_this(), &loop = loop_.loop_](const auto& found) {
    loop.post([weak, found] {
      if (auto self = weak.lock())
        self->on_addresses(found);
    });
  });
}

void fetch_op::on_addresses(const result<addresses>& found) {
  if (phase_ != phase::resolving)
    return;
  if (!found)
    return fail(found.error());
  addresses_ = *found;
  if (request_.rotate_addresses && addresses_->size() > 1) {
    auto turned = *addresses_;
    const auto first = static_cast<ptrdiff_t>(loop_.next_address_++ % turned.size());
    std::rotate(turned.begin(), turned.begin() + first, turned.end());
    addresses_ = std::make_shared<const std::vector<std::string>>(std::move(turned));
  }
  connect_to_next();
}

int64_t fetch_op::attempt_deadline(int64_t now_ns) const {
  int64_t left = static_cast<int64_t>(addresses_->size() - next_address_);
  int64_t share = (deadline_ns_ - now_ns) / std::max<int64_t>(left + 1, 1);
  return left == 0 ? deadline_ns_
                   : std::min(deadline_ns_, now_ns + std::max(share, min_attempt_ns));
}

void fetch_op::connect_to_next() {
  phase_ = phase::connecting;
  std::optional<client_tls> tls;
  if (to_->where().secure()) {
    auto how = to_->settings().tls_for(to_->where().host, loop_.clock_.monotonic_ns());
    if (!how)
      return fail(how.error());
    tls = std::move(*how);
  }
  const std::string& address = (*addresses_)[next_address_++];
  loop_.wheel_.set(deadline, attempt_deadline(loop_.clock_.monotonic_ns()));
  ++loop_.counters_.connects;
  connection_->open(address, to_->where().port, std::move(tls));
}

void fetch_op::on_open(const status& s) {
  if (s.ok()) {
    loop_.wheel_.set(deadline, deadline_ns_);
    return exchange();
  }
  bool starved = connection_->open_error() != 0;
  loop_.discard(std::move(connection_));
  bool more = addresses_ && next_address_ < addresses_->size();
  if (starved && !retried_ && loop_.pool_.evict_farthest()) {
    --loop_.open_;
    ++loop_.counters_.evicted;
    retried_ = true;
    return connect(true);
  }
  if (!more)
    return fail(starved ? status(errc::resource_exhausted, std::string(s.message())) : s);
  size_t next = next_address_;
  connection_ = loop_.checkout(*this, true);
  if (!connection_)
    return;
  connection_->use_by(this);
  next_address_ = next;
  connect_to_next();
}

status fetch_op::put_request(std::string& out) const {
  const auto& where = to_->where();
  out.reserve(512 + (with_body_ ? request_.body.size() : 0));
  out.append(method_).append(" ").append(to_->target()).append(" HTTP/1.1\r\n");
  put_header(out, "Host", to_->authority());
  bool agent = put_headers(out, to_->extra_headers(), with_credentials_);
  agent = put_headers(out, request_.header_fields, with_credentials_) || agent;
  if (!agent)
    put_header(out, "User-Agent", to_->settings().user_agent());
  if (with_credentials_) {
    TROUPE_ASSIGN(std::string lines, to_->settings().credential_lines());
    const auto& config = to_->settings().config();
    if (where.has_userinfo && !config.basic_auth && !config.authorization)
      put_header(out, "Authorization", basic_credentials(where.user, where.password));
    out += lines;
  }
  bool body = with_body_ && !request_.body.empty();
  if (body || (method_ != "GET" && method_ != "HEAD"))
    put_header(out, "Content-Length", std::to_string(body ? request_.body.size() : 0));
  out += "\r\n";
  if (body)
    out += request_.body;
  return ok_status();
}

void fetch_op::exchange() {
  std::string& text = loop_.request_text_;
  if (text.capacity() > max_kept_request)
    text = std::string();
  text.clear();
  if (status s = put_request(text); !s.ok())
    return fail(s);
  phase_ = phase::exchanging;
  client_connection::exchange what;
  what.limits.header_bytes = max_response_head;
  what.limits.body_bytes = request_.max_body_bytes;
  what.budget = loop_.budget_;
  what.to_head = method_ == "HEAD";
  what.want_headers = request_.want_headers;
  connection_->send(std::move(what), text);
}

void fetch_op::on_response(const status& s) {
  if (!s.ok()) {
    bool unanswered = !connection_->response().started();
    if (reused_ && !retried_ && unanswered && safe_to_repeat(method_) &&
        s.code() == errc::io_error) {
      loop_.discard(std::move(connection_));
      retried_ = true;
      return connect(true);
    }
    return fail(s);
  }
  auto& got = connection_->response();
  if (is_redirect(got.code) && !got.location.empty() && to_->settings().config().follow_redirects) {
    std::string location = std::move(got.location);
    if (status r = redirect(location); !r.ok())
      return fail(r);
    return connect(false);
  }
  succeed();
}

status fetch_op::redirect(std::string& location) {
  TROUPE_ASSIGN(next_hop next, plan_redirect(to_->where(), location, connection_->response().code,
                                             method_, ++hops_));
  // Once dropped they stay dropped, even if a later hop leads back.
  with_credentials_ = with_credentials_ && next.same_origin;
  if (next.drop_body) {
    method_ = "GET";
    with_body_ = false;
  }
  retire_connection();
  retried_ = false;
  to_ = std::make_shared<const endpoint>(std::move(next.where), to_->shared_settings(),
                                         to_->extra_headers());
  return ok_status();
}

void fetch_op::retire_connection() {
  auto c = std::move(connection_);
  if (c->reusable())
    loop_.checkin(std::move(c), request_.next_use_ns);
  else
    loop_.discard(std::move(c));
}

void fetch_op::succeed() {
  auto& got = connection_->response();
  fetch_result out;
  out.code = got.code;
  out.content_type = std::move(got.content_type);
  out.header_fields = std::move(got.header_fields);
  out.wire_bytes = connection_->wire_bytes();
  finish_body(got.body, got.content_encoding, loop_.budget_, request_.max_body_bytes,
              request_.keep_coded, out);
  retire_connection();
  deliver(std::move(out));
}

std::string fetch_op::describe_phase() const {
  switch (phase_) {
    case phase::waiting:
      return "waiting for a free connection";
    case phase::resolving:
      return "looking up " + to_->where().host;
    case phase::connecting:
      return "connecting";
    case phase::exchanging:
      break;
  }
  return connection_ && connection_->response().header_done() ? "reading the body"
                                                              : "waiting for the response";
}

void fetch_op::on_deadline(int64_t now_ns) {
  if (phase_ == phase::connecting && now_ns < deadline_ns_)
    return on_open({errc::timeout, "connect: timed out"});
  fail({errc::timeout, "deadline of " + format_duration(request_.timeout_ms) + " exceeded while " +
                           describe_phase()});
}

void fetch_op::fail(const status& why) {
  fetch_result out;
  out.error = why;
  if (connection_)
    out.wire_bytes = connection_->wire_bytes();
  loop_.discard(std::move(connection_));
  deliver(std::move(out));
}

void fetch_op::deliver(fetch_result result) {
  result.token = request_.token;
  result.started_ms = started_ms_;
  result.duration_ns = loop_.clock_.monotonic_ns() - started_ns_;
  loop_.complete(*this, std::move(result));
}

}  // namespace troupe::http
