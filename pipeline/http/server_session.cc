#include "pipeline/http/server_session.h"

#include "pipeline/http/base64.h"
#include "pipeline/http/header_text.h"

#include <algorithm>
#include <cstring>

namespace troupe::http {
namespace {

constexpr size_t small_buffer = 16 << 10;
constexpr size_t body_buffer_size = 64 << 10;
constexpr int64_t rate_grace_ns = 5'000'000'000;
constexpr int64_t linger_ms = 1'000;
constexpr int pieces_per_turn = 4;
constexpr uint64_t free_answer_bytes = 64 << 10;  ///< small answers always go out

response text_response(int code, std::string message) {
  response r;
  r.status = code;
  r.body = std::move(message);
  r.body += '\n';
  if (code == 503 || code == 429)
    r.header_fields.push_back({"Retry-After", "1"});
  return r;
}

}  // namespace

/// Carries an answer from any thread back to its session; says 500 if nobody ever answers.
struct server_session::answer_slot {
  std::shared_ptr<server_loop> home;
  std::weak_ptr<server_session> session;
  uint64_t serial;
  std::atomic<bool> used{false};

  answer_slot(std::shared_ptr<server_loop> h, std::weak_ptr<server_session> s, uint64_t n)
      : home(std::move(h)), session(std::move(s)), serial(n) {}
  ~answer_slot() { answer(text_response(500, "the request was dropped")); }

  void answer(response&& r) {
    if (used.exchange(true))
      return;
    home->loop.post(
        [to = session, n = serial, r = std::make_shared<response>(std::move(r))]() mutable {
          if (auto s = to.lock())
            s->on_answer(n, std::move(*r));
        });
  }
};

server_session::server_session(std::shared_ptr<server_loop> home,
                               std::shared_ptr<server_context> server, std::string remote)
    : home_(std::move(home)), server_(std::move(server)), remote_(std::move(remote)) {
  deadline_.owner = this;
}

server_session::~server_session() {
  home_->wheel.remove(deadline_);
}

void server_session::start(int fd, web_policy_ptr policy, bool refused) {
  policy_ = std::move(policy);
  counted_ = !refused;
  tls_ = policy_->tls != nullptr;
  stream_ = std::make_unique<stream>(home_->loop, *this);
  stream_->adopt(fd, policy_->tls);
  if (refused) {
    reader_.start({}, server_->budget);
    reader_.http_1_0 = true;
    return refuse(503, "too many connections", "connections");
  }
  if (tls_)
    return set_deadline(server_->options.limits.header_timeout_ms);
  await_request();
}

bool server_session::allowed_peer() const {
  const auto& allowed = policy_->config.tls.client_allowed_sans;
  if (allowed.empty())
    return true;
  const auto& names = stream_->peer().alternative_names;
  return std::any_of(allowed.begin(), allowed.end(), [&](const std::string& a) {
    return std::find(names.begin(), names.end(), a) != names.end();
  });
}

void server_session::on_connect(const status& s) {
  if (!s.ok() || !allowed_peer()) {
    server_->stats.refused("tls").add();
    return close();
  }
  await_request();
}

void server_session::set_deadline(int64_t in_ms) {
  home_->wheel.set(deadline_, now_ns() + in_ms * 1'000'000);
  home_->loop.arm_ticks();
}

void server_session::await_request() {
  const auto& limits = server_->options.limits;
  if (server_->draining)
    return close();
  reader_limits r;
  r.header_bytes = limits.max_header_bytes;
  r.body_bytes = limits.max_body_bytes;
  reader_.start(r, server_->budget);
  target_ = {};
  phase_ = phase::idle;
  // A fresh connection has as long as a head; a used one may rest.
  set_deadline(requests_ == 0 ? limits.header_timeout_ms : limits.idle_timeout_ms);
  if (filled_ > 0)
    return read_request();
  if (peer_ended_)
    return close();
  read_more();
}

void server_session::read_more() {
  if (reading_ || peer_ended_)
    return;
  size_t wanted = std::max(small_buffer, server_->options.limits.max_header_bytes + 1024);
  if (phase_ == phase::body)
    wanted = std::max(wanted, body_buffer_size);
  if (buffer_.empty())
    wanted = small_buffer;
  else if (filled_ < buffer_.size() && phase_ != phase::body)
    wanted = buffer_.size();
  if (buffer_.size() < wanted)
    buffer_.resize(wanted);
  if (filled_ == buffer_.size())
    return;
  reading_ = true;
  stream_->read(buffer_.data() + filled_, buffer_.size() - filled_);
}

void server_session::on_read(const status& s, size_t n) {
  reading_ = false;
  if (!s.ok() || n == 0) {
    peer_ended_ = true;
    if (gone_)
      *gone_ = true;
    // An answer on its way may still be wanted by a peer that closed one side only.
    if (s.ok() &&
        (phase_ == phase::handling || phase_ == phase::writing || phase_ == phase::judging))
      return;
    return close();
  }
  if (phase_ == phase::lingering) {
    filled_ = 0;
    return read_more();
  }
  filled_ += n;
  if (phase_ == phase::idle || phase_ == phase::head || phase_ == phase::body)
    return read_request();
  // A pipelined request waits in the buffer; no more is read before its turn.
}

void server_session::read_request() {
  if (phase_ == phase::idle) {
    phase_ = phase::head;
    request_began_ns_ = now_ns();
    set_deadline(server_->options.limits.header_timeout_ms);
  }
  bool had_head = reader_.header_done();
  auto used = reader_.feed({buffer_.data(), filled_});
  if (!used) {
    const std::string why(used.error().message());
    return refuse(reader_.error_code, why, had_head ? "body" : "header");
  }
  filled_ -= *used;
  std::memmove(buffer_.data(), buffer_.data() + *used, filled_);
  body_bytes_ += *used;
  if (!had_head && reader_.header_done())
    return on_head();
  if (reader_.done())
    return dispatch();
  if (filled_ == buffer_.size() && !buffer_.empty() &&
      buffer_.size() > server_->options.limits.max_header_bytes)
    return refuse(had_head ? 400 : 431, "a line of the request is too long", "header");
  read_more();
}

void server_session::on_head() {
  ++requests_;
  ++serial_;
  received_ns_ = now_ns();
  policy_ = server_->guard.for_request();
  if (!reader_.http_1_0 && find_header(reader_.header_fields, "Host").empty())
    return refuse(400, "missing Host header", "header");
  auto target = parse_request_target(reader_.target);
  if (!target)
    return refuse(400, std::string(target.error().message()), "header");
  target_ = std::move(*target);
  judge();
}

void server_session::judge() {
  if (!server_->guard.admit(*policy_))
    return refuse(429, "rate limit exceeded", "rate_limit");
  const auto& users = policy_->config.basic_auth_users;
  if (users.empty())
    return admitted();
  std::string_view auth = find_header(reader_.header_fields, "Authorization");
  if (!equal_fold(auth.substr(0, 6), "Basic "))
    return on_verdict(password_checker::verdict::wrong);
  auto decoded = base64_decode(trim(auth.substr(6)));
  size_t colon = decoded.ok() ? decoded->find(':') : std::string::npos;
  if (colon == std::string::npos)
    return on_verdict(password_checker::verdict::wrong);
  std::string user = decoded->substr(0, colon);
  auto it = users.find(user);
  phase_ = phase::judging;
  home_->wheel.remove(deadline_);
  auto done = [home = home_, weak = weak_from_this()](password_checker::verdict v) {
    home->loop.post([weak, v] {
      if (auto self = weak.lock(); self && self->phase_ == phase::judging)
        self->on_verdict(v);
    });
  };
  server_->passwords.check(user, it == users.end() ? "" : it->second.reveal(),
                           decoded->substr(colon + 1), std::move(done));
}

void server_session::on_verdict(password_checker::verdict v) {
  if (v == password_checker::verdict::busy)
    return refuse(503, "too many passwords are being checked", "auth");
  if (v == password_checker::verdict::right)
    return admitted();
  server_->stats.refused("auth").add();
  response r = text_response(401, "Unauthorized");
  r.header_fields.push_back({"WWW-Authenticate", "Basic"});
  reply(std::move(r));
}

void server_session::admitted() {
  std::string_view expect = find_header(reader_.header_fields, "Expect");
  if (!expect.empty() && !equal_fold(expect, "100-continue"))
    return refuse(417, "unknown expectation", "header");
  if (!route())
    return;
  body_began_ns_ = now_ns();
  body_bytes_ = 0;
  if (reader_.done())
    return dispatch();
  phase_ = phase::body;
  set_deadline(1'000);
  if (!expect.empty() && filled_ == 0) {
    auto sent = stream_->write("HTTP/1.1 100 Continue\r\n\r\n");
    if (!sent || !sent->ok())
      return close();
  }
  if (filled_ > 0)
    return read_request();
  read_more();
}

bool server_session::route() {
  const std::string& prefix = server_->options.route_prefix;
  if (prefix.empty() || prefix == "/")
    return true;
  if (target_.path == "/") {
    response r = text_response(302, "Found");
    r.header_fields.push_back({"Location", prefix});
    reply(std::move(r));
    return false;
  }
  bool inside = target_.path.compare(0, prefix.size(), prefix) == 0 &&
                (target_.path.size() == prefix.size() || target_.path[prefix.size()] == '/');
  if (!inside) {
    reply(text_response(404, "404 page not found"));
    return false;
  }
  // The page's links are relative: they need the slash.
  if (target_.path.size() == prefix.size()) {
    response r = text_response(301, "Moved Permanently");
    r.header_fields.push_back({"Location", prefix + "/"});
    reply(std::move(r));
    return false;
  }
  target_.path.erase(0, prefix.size());
  return true;
}

bool server_session::add_form(request& r) {
  std::string_view type = find_header(r.header_fields, "Content-Type");
  type = trim(type.substr(0, type.find(';')));
  if (r.body.empty() || !equal_fold(type, "application/x-www-form-urlencoded") ||
      !find_header(r.header_fields, "Content-Encoding").empty())
    return true;
  auto form = parse_form(r.body);
  if (!form) {
    refuse(form.code() == errc::resource_exhausted ? 413 : 400, std::string(form.error().message()),
           "body");
    return false;
  }
  form->insert(form->end(), std::make_move_iterator(r.query.begin()),
               std::make_move_iterator(r.query.end()));
  r.query = std::move(*form);
  return true;
}

void server_session::dispatch() {
  received_ns_ = now_ns();
  home_->wheel.remove(deadline_);
  request r;
  r.method = reader_.method;
  r.path = target_.path;
  r.query = std::move(target_.query);
  r.header_fields = reader_.header_fields;
  r.body = reader_.body.take_data();
  byte_lease lease = reader_.body.take_lease();
  if (lease.held() > 0)
    r.charge = std::make_shared<const byte_lease>(std::move(lease));
  r.remote_address = remote_;
  r.tls = tls_;
  r.raw_target = reader_.target;
  if (!add_form(r))
    return;
  gone_ = std::make_shared<std::atomic<bool>>(peer_ended_);
  r.gone = gone_;
  phase_ = phase::handling;
  auto slot = std::make_shared<answer_slot>(home_, weak_from_this(), serial_);
  auto self = shared_from_this();
  // A read under way tells when the peer leaves. Its bytes land at the buffer's start, so that
  // there must be none yet.
  if (filled_ == 0)
    read_more();
  server_->handle(std::move(r), [slot](response a) { slot->answer(std::move(a)); });
}

void server_session::on_answer(uint64_t serial, response&& r) {
  if (phase_ == phase::handling && serial == serial_)
    reply(std::move(r));
}

void server_session::refuse(int code, std::string message, const char* reason) {
  server_->stats.refused(reason).add();
  reader_.keep_alive = false;
  reader_.body.reset(nullptr, 0);  // what came of it is charged until it is gone
  reply(text_response(code, std::move(message)));
}

headers server_session::extra_headers() const {
  headers out;
  for (const auto& [name, value] : policy_->config.headers)
    out.push_back({name, value});
  std::string_view origin = find_header(reader_.header_fields, "Origin");
  if (!origin.empty()) {
    out.push_back({"Access-Control-Allow-Headers", "Accept, Authorization, Content-Type, Origin"});
    out.push_back({"Access-Control-Allow-Methods", "GET, POST, OPTIONS"});
    out.push_back({"Access-Control-Expose-Headers", "Date"});
    out.push_back({"Vary", "Origin"});
    if (!server_->cors)
      out.push_back({"Access-Control-Allow-Origin", "*"});
    else if (server_->cors->matches(origin))
      out.push_back({"Access-Control-Allow-Origin", std::string(origin)});
  }
  for (const auto& h : server_->options.default_headers)
    out.push_back(h);
  return out;
}

void server_session::charge(response& r) {
  uint64_t cost = r.body.size() + r.stream_bytes;
  answer_charge_ = byte_lease(server_->answers);
  if (cost <= free_answer_bytes || answer_charge_.grow(cost).ok())
    return;
  server_->stats.refused("answers").add();
  std::string route = std::move(r.route);
  r = text_response(503, "an answer of " + std::to_string(cost) + " bytes does not fit into the " +
                             std::to_string(server_->answers->limit()) +
                             " bytes for answers in flight");
  r.route = std::move(route);
}

void server_session::reply(response&& r) {
  charge(r);
  response_frame frame;
  frame.head_only = reader_.method == "HEAD";
  frame.http_1_0 = reader_.http_1_0;
  // An unread body stands between this answer and the next request.
  frame.keep_alive = reader_.keep_alive && reader_.done() && !server_->draining && !peer_ended_ &&
                     requests_ < server_->options.limits.max_requests_per_connection;
  frame.gzip_accepted = accepts_gzip(find_header(reader_.header_fields, "Accept-Encoding"));
  frame.now_ms = server_->clk.now_ms();
  frame.extra = extra_headers();
  code_ = r.status;
  route_ = std::move(r.route);
  phase_ = phase::writing;
  gone_.reset();
  writer_.start(std::move(r), frame);
  more_to_write_ = true;
  written_before_ = stream_->written();
  set_deadline(server_->options.limits.write_timeout_ms);
  write_on();
}

void server_session::write_on() {
  for (int i = 0; more_to_write_; ++i) {
    if (i == pieces_per_turn) {
      // Others want the thread too.
      home_->loop.post([weak = weak_from_this()] {
        if (auto self = weak.lock(); self && self->phase_ == phase::writing)
          self->write_on();
      });
      return;
    }
    more_to_write_ = writer_.next(out_);
    auto written = stream_->write(out_);
    if (!written)
      return;
    if (!written->ok())
      return close();
  }
  answered();
}

void server_session::on_write(const status& s) {
  if (!s.ok())
    return close();
  if (phase_ == phase::writing)
    write_on();
}

void server_session::answered() {
  double seconds = static_cast<double>(now_ns() - received_ns_) / 1e9;
  server_->stats.observe(route_, code_, received_ns_ == 0 ? 0 : seconds);
  out_ = std::string();
  answer_charge_.shrink(0);
  if (!writer_.keep_alive())
    return linger();
  // Posted: a client that pipelines without end must not grow the stack.
  phase_ = phase::idle;
  home_->loop.post([weak = weak_from_this()] {
    if (auto self = weak.lock(); self && self->phase_ == phase::idle)
      self->await_request();
  });
}

void server_session::linger() {
  // Closing with unread bytes would make the kernel reset the connection, and the answer be lost.
  phase_ = phase::lingering;
  filled_ = 0;
  stream_->shutdown_write();
  if (peer_ended_)
    return close();
  set_deadline(linger_ms);
  read_more();
}

void server_session::on_deadline(int64_t now) {
  const auto& limits = server_->options.limits;
  switch (phase_) {
    case phase::head:
      return refuse(408, "the request's head took too long", "timeout");
    case phase::body: {
      int64_t took_ns = now - request_began_ns_;
      if (took_ns >= limits.request_timeout_ms * 1'000'000)
        return refuse(408, "the request took too long", "timeout");
      int64_t body_ns = now - body_began_ns_;
      auto rate = static_cast<double>(body_bytes_) / (static_cast<double>(body_ns) / 1e9);
      if (body_ns >= rate_grace_ns && rate < static_cast<double>(limits.min_bytes_per_second))
        return refuse(408, "the request comes too slowly", "timeout");
      return set_deadline(1'000);
    }
    case phase::writing: {
      uint64_t progress = stream_->written() - written_before_;
      uint64_t wanted =
          limits.min_bytes_per_second * static_cast<uint64_t>(limits.write_timeout_ms) / 1000;
      if (progress < wanted) {
        server_->stats.refused("slow_reader").add();
        return close();
      }
      written_before_ = stream_->written();
      return set_deadline(limits.write_timeout_ms);
    }
    default:
      if (phase_ == phase::handshake)
        server_->stats.refused("timeout").add();
      return close();
  }
}

void server_session::wind_down() {
  if (phase_ == phase::idle)
    close();
}

void server_session::close() {
  if (phase_ == phase::closed)
    return;
  phase_ = phase::closed;
  if (gone_)
    *gone_ = true;
  home_->wheel.remove(deadline_);
  stream_.reset();
  --(counted_ ? server_->connections : server_->refusals);
  server_->stats.connections().set(static_cast<double>(server_->connections));
  // The session may be on the call stack: its last reference goes when that is empty.
  home_->loop.post([self = shared_from_this()] { self->home_->sessions.erase(self); });
}

}  // namespace troupe::http
