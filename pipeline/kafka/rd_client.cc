#include "pipeline/kafka/rd_client.h"

#include <librdkafka/rdkafka.h>

#include <array>
#include <string_view>

namespace troupe::kafka {
namespace {

rd_client& owner_of(void* opaque) {
  return *static_cast<rd_client*>(opaque);
}

void on_log(const rd_kafka_t* rk, int level, const char* about, const char* text) {
  write_rd_log(owner_of(rd_kafka_opaque(rk)).log_limit(), level, about, text);
}

void on_error(rd_kafka_t* rk, int error, const char* reason, void* opaque) {
  if (error == RD_KAFKA_RESP_ERR__FATAL) {
    std::array<char, 512> text{};
    const auto cause = rd_kafka_fatal_error(rk, text.data(), text.size());
    owner_of(opaque).failed(cause, text.data());
  } else {
    owner_of(opaque).failed(error, reason);
  }
}

// Without the time that it took and how often it came, which differ each time.
std::string_view lasting_part(std::string_view text) {
  return text.substr(0, text.rfind(" (after "));
}

// Each broker has a thread of librdkafka, which is where it is told of.
rd_kafka_resp_err_t on_broker(rd_kafka_t*, int32_t, const char*, const char*, int port,
                              const char* state, void* opaque) {
  using broker = rd_client::broker;
  thread_local broker mine = broker::idle;
  const std::string_view name(state);
  // Brokers without a port are librdkafka's own helpers.
  if (port == 0)
    return RD_KAFKA_RESP_ERR_NO_ERROR;
  broker now = mine;
  if (name == "UP" || name == "UPDATE")
    now = broker::up;
  else if (name == "DOWN")
    // One that was up may have been idle only: if it is needed, connecting to it will tell.
    now = mine == broker::up ? broker::idle : broker::down;
  if (now != mine)
    owner_of(opaque).broker_changed(mine, now);
  mine = now;
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t on_new(rd_kafka_t* rk, const rd_kafka_conf_t*, void* opaque, char*, size_t) {
  return rd_kafka_interceptor_add_on_broker_state_change(rk, "troupe", on_broker, opaque);
}

}  // namespace

result<std::unique_ptr<rd_client>> rd_client::make(rd_kind kind, rd_conf conf, const clock& time) {
  std::unique_ptr<rd_client> made(new rd_client(time));
  made->refusal_hint_ = refusal_hint(*conf, rd_kafka_version());
  rd_kafka_conf_set_opaque(conf.get(), made.get());
  rd_kafka_conf_set_log_cb(conf.get(), on_log);
  rd_kafka_conf_set_error_cb(conf.get(), on_error);
  // Settings with an interceptor in them are freed twice when no client comes of them (librdkafka
  // 2.0.2): whether one does is tried with a copy, which has none.
  {
    rd_conf copy(rd_kafka_conf_dup(conf.get()));
    TROUPE_TRY(made->open(kind, copy));
    made->handle_.reset();
  }
  rd_kafka_conf_interceptor_add_on_new(conf.get(), "troupe", on_new, made.get());
  if (auto s = made->open(kind, conf); !s.ok()) {
    static_cast<void>(conf.release());
    return s;
  }
  return made;
}

status rd_client::open(rd_kind kind, rd_conf& conf) {
  std::array<char, 512> why{};
  handle_.reset(rd_kafka_new(kind == rd_kind::producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER,
                             conf.get(), why.data(), why.size()));
  if (handle_ == nullptr)
    return {errc::invalid_argument, why.data()};
  static_cast<void>(conf.release());  // it is the client's now
  return ok_status();
}

rd_client::~rd_client() {
  // librdkafka's threads use the rest until they have ended.
  handle_.reset();
}

void rd_client::serve() {
  rd_kafka_poll(handle_.get(), 0);
}

void rd_client::failed(int error, const std::string& text) {
  std::lock_guard guard(lock_);
  // "all brokers are down" says less than what was said of one of them.
  if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && !connection_error_.empty())
    return;
  auto& to = is_about_connection(error) ? connection_error_ : other_error_;
  to = lasting_part(text);
  if (error == RD_KAFKA_RESP_ERR__AUTHENTICATION)
    to += refusal_hint_;
}

void rd_client::worked() {
  std::lock_guard guard(lock_);
  other_error_.clear();
}

bool rd_client::any_broker() const {
  std::lock_guard guard(lock_);
  return up_ > 0;
}

connection_state rd_client::state() const {
  std::lock_guard guard(lock_);
  const bool mended = up_ > 0 && down_ == 0;
  return {up_ > 0, mended || connection_error_.empty() ? other_error_ : connection_error_};
}

void rd_client::broker_changed(broker from, broker to) {
  std::lock_guard guard(lock_);
  const auto count = [&](broker b, int by) {
    if (b == broker::up)
      up_ += by;
    else if (b == broker::down)
      down_ += by;
  };
  count(from, -1);
  count(to, 1);
}

}  // namespace troupe::kafka
