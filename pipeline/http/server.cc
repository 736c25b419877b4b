#include "pipeline/http/server.h"

#include "pipeline/http/listener.h"
#include "pipeline/http/server_context.h"
#include "pipeline/http/server_session.h"
#include "storage/base/log.h"

#include <unistd.h>

#include <chrono>
#include <future>
#include <thread>

namespace troupe::http {
namespace {

const logger log("web");
constexpr size_t max_refusals = 64;  ///< connections that wait for their 503 at one time
constexpr int64_t tick_ms = 100;

/// Runs `f` on the loop and waits for it.
void run_on(server_loop& home, const std::function<void()>& f) {
  std::promise<void> done;
  home.loop.post([&] {
    f();
    done.set_value();
  });
  done.get_future().wait();
}

std::string trim_prefix(std::string prefix) {
  prefix = "/" + prefix;
  size_t first = prefix.find_first_not_of('/');
  if (first == prefix.npos)
    return "/";
  size_t last = prefix.find_last_not_of('/');
  return "/" + prefix.substr(first, last - first + 1);
}

}  // namespace

struct server::impl {
  std::shared_ptr<server_context> context;
  std::vector<std::shared_ptr<server_loop>> loops;
  std::vector<std::unique_ptr<listener>> listeners;
  std::vector<std::string> addresses;
  size_t next_loop = 0;  ///< of loop 0's thread
  int64_t told_starved_ns = 0;
  bool running = false;

  void on_accept(int fd, std::string remote) {
    auto& limits = context->options.limits;
    bool refuse = context->connections >= limits.max_connections;
    auto policy = context->guard.for_connection();
    if (context->draining ||
        (refuse && (policy->tls != nullptr || context->refusals >= max_refusals))) {
      ::close(fd);
      context->stats.refused("connections").add();
      return;
    }
    ++(refuse ? context->refusals : context->connections);
    context->stats.connections().set(static_cast<double>(context->connections));
    auto home = loops[next_loop++ % loops.size()];
    auto begin = [home, server = context, fd, policy, refuse, remote = std::move(remote)] {
      auto session = std::make_shared<server_session>(home, server, remote);
      home->sessions.insert(session);
      session->start(fd, policy, refuse);
    };
    home->loop.post(std::move(begin));
  }

  void on_starved(int error) {
    context->stats.refused("descriptors").add();
    int64_t now = context->clk.monotonic_ns();
    if (told_starved_ns != 0 && now - told_starved_ns < 10'000'000'000)
      return;
    told_starved_ns = now;
    log.warn("cannot accept connections: {}", std::generic_category().message(error));
  }

  void start_loop(const std::shared_ptr<server_loop>& home, size_t number) {
    server_loop* raw = home.get();
    home->loop.set_ticks(tick_ms, [raw, this] {
      int64_t now = context->clk.monotonic_ns();
      while (auto* e = raw->wheel.expire(now))
        static_cast<server_session*>(e->owner)->on_deadline(now);
      return !raw->wheel.empty();
    });
    home->loop.start("http-" + std::to_string(number));
  }
};

server::server(server_options options, handler handle, file_system& files, const clock& clk,
               registry& stats)
    : impl_(std::make_unique<impl>()) {
  options.route_prefix = trim_prefix(std::move(options.route_prefix));
  impl_->context =
      std::make_shared<server_context>(std::move(options), std::move(handle), files, clk, stats);
}

server::~server() {
  drain(0);
}

status server::start() {
  auto& context = *impl_->context;
  TROUPE_TRY(context.guard.load());
  const std::string& origin = context.options.cors_origin;
  if (origin != ".*") {
    auto compiled = regex::compile(origin);
    if (!compiled)
      return compiled.error().with_context("CORS origin");
    context.cors.emplace(std::move(*compiled));
  }
  for (size_t i = 0; i < std::max<size_t>(context.options.io_threads, 1); ++i)
    impl_->loops.push_back(std::make_shared<server_loop>());
  for (const auto& address : context.options.listen) {
    impl_->listeners.push_back(std::make_unique<listener>(
        impl_->loops[0]->loop,
        [this](int fd, std::string remote) { impl_->on_accept(fd, std::move(remote)); },
        [this](int error) { impl_->on_starved(error); }));
    auto bound = impl_->listeners.back()->open(address);
    if (!bound) {
      impl_->listeners.clear();
      impl_->loops.clear();
      impl_->addresses.clear();
      return bound.error();
    }
    impl_->addresses.push_back(std::move(*bound));
  }
  for (auto& l : impl_->listeners)
    l->start();
  impl_->running = true;
  for (size_t i = 0; i < impl_->loops.size(); ++i)
    impl_->start_loop(impl_->loops[i], i);
  return ok_status();
}

const std::vector<std::string>& server::addresses() const {
  return impl_->addresses;
}

bool server::secure() const {
  return impl_->context->guard.for_request()->tls != nullptr;
}

size_t server::drain(int64_t deadline_ms) {
  if (!impl_->running)
    return 0;
  impl_->running = false;
  auto& context = *impl_->context;
  context.draining = true;
  run_on(*impl_->loops[0], [&] { impl_->listeners.clear(); });
  for (auto& home : impl_->loops)
    run_on(*home, [&] {
      for (const auto& s : std::set(home->sessions))
        s->wind_down();
    });
  auto busy = [&] { return context.connections + context.refusals > 0; };
  int64_t until = context.clk.monotonic_ns() + deadline_ms * 1'000'000;
  while (busy() && context.clk.monotonic_ns() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  size_t cut = 0;
  for (auto& home : impl_->loops) {
    run_on(*home, [&] {
      for (const auto& s : std::set(home->sessions)) {
        cut += s->busy() ? 1 : 0;
        s->close();
      }
    });
    // What a callback posts may run after what another thread posts: the second round trip sees it.
    run_on(*home, [&] { home->sessions.clear(); });
    run_on(*home, [] {});
  }
  context.passwords.stop();
  for (auto& home : impl_->loops)
    home->loop.stop();
  return cut;
}

}  // namespace troupe::http
