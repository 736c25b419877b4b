#include "pipeline/http/resolver.h"

#include "storage/base/clock.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

namespace troupe::http {
namespace {

result<std::vector<std::string>> system_lookup(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  int rc = getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (rc != 0)
    return {errc::unavailable, "lookup " + host + ": " + gai_strerror(rc)};
  std::vector<std::string> out;
  for (addrinfo* a = list; a != nullptr && out.size() < 16; a = a->ai_next) {
    char text[NI_MAXHOST];
    if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0)
      out.emplace_back(text);
  }
  freeaddrinfo(list);
  if (out.empty())
    return {errc::unavailable, "lookup " + host + ": no addresses"};
  return out;
}

}  // namespace

struct resolver::impl {
  struct entry {
    addresses good;  ///< the last answer
    status failure;  ///< of the last lookup
    int64_t good_until_ns = 0;
    int64_t stale_until_ns = 0;
    int64_t failed_until_ns = 0;
    std::vector<done_fn> waiting;
  };

  impl(resolver_options o, const clock& c) : options(std::move(o)), clk(c) {}

  const resolver_options options;
  const clock& clk;
  std::mutex lock;  ///< guards all below
  std::condition_variable wake;
  std::map<std::string, entry, std::less<>> cache;
  std::deque<std::string> queue;
  uint64_t lookups = 0;
  bool stopping = false;
  std::vector<std::thread> threads;

  /// Room for one more host: expired answers go first, then any that nobody waits for.
  bool make_room(int64_t now) {
    if (cache.size() < options.max_entries)
      return true;
    std::erase_if(cache, [&](const auto& item) {
      return item.second.waiting.empty() && item.second.stale_until_ns < now;
    });
    for (auto it = cache.begin(); it != cache.end() && cache.size() >= options.max_entries;)
      it = it->second.waiting.empty() ? cache.erase(it) : std::next(it);
    return cache.size() < options.max_entries;
  }

  /// The answer that is known by now, if there is one.
  std::optional<result<addresses>> known(const entry& e, int64_t now) const {
    if (e.good && now < e.good_until_ns)
      return result<addresses>(e.good);
    if (now < e.failed_until_ns) {
      if (e.good && now < e.stale_until_ns)
        return result<addresses>(e.good);
      return result<addresses>(e.failure);
    }
    return std::nullopt;
  }

  void run() {
    std::unique_lock guard(lock);
    for (;;) {
      wake.wait(guard, [&] { return stopping || !queue.empty(); });
      if (stopping)
        return;
      std::string host = std::move(queue.front());
      queue.pop_front();
      ++lookups;
      guard.unlock();
      auto found = options.lookup ? options.lookup(host) : system_lookup(host);
      guard.lock();
      finish(host, std::move(found), guard);
    }
  }

  void finish(const std::string& host, result<std::vector<std::string>> found,
              std::unique_lock<std::mutex>& guard) {
    entry& e = cache[host];
    int64_t now = clk.monotonic_ns();
    if (found.ok() && !found->empty()) {
      e.good = std::make_shared<const std::vector<std::string>>(std::move(*found));
      e.good_until_ns = now + options.ttl_ms * 1'000'000;
      e.stale_until_ns = now + options.stale_ms * 1'000'000;
      e.failed_until_ns = 0;
    } else {
      e.failure = found.ok() ? status(errc::unavailable, "lookup " + host + ": no addresses")
                             : found.error();
      e.failed_until_ns = now + options.failure_ttl_ms * 1'000'000;
    }
    auto waiting = std::move(e.waiting);
    e.waiting.clear();
    auto answer = known(e, now);
    result<addresses> told = answer ? *answer : result<addresses>(e.failure);
    guard.unlock();
    for (auto& done : waiting)
      done(told);
    guard.lock();
  }
};

resolver::resolver(resolver_options options, const clock& clk)
    : impl_(std::make_unique<impl>(std::move(options), clk)) {
  sigset_t all;
  sigset_t old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  size_t n = std::clamp<size_t>(impl_->options.threads, 1, 4);
  for (size_t i = 0; i < n; ++i) {
    impl_->threads.emplace_back([this] { impl_->run(); });
    pthread_setname_np(impl_->threads.back().native_handle(), "http-dns");
  }
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

resolver::~resolver() {
  stop();
}

void resolver::resolve(const std::string& host, done_fn done) {
  std::unique_lock guard(impl_->lock);
  int64_t now = impl_->clk.monotonic_ns();
  auto it = impl_->cache.find(host);
  if (it != impl_->cache.end()) {
    if (auto answer = impl_->known(it->second, now)) {
      guard.unlock();
      return done(*answer);
    }
  } else if (!impl_->make_room(now)) {
    guard.unlock();
    return done(status(errc::resource_exhausted, "too many host names wait for their lookup"));
  } else {
    it = impl_->cache.try_emplace(host).first;
  }
  if (impl_->stopping) {
    guard.unlock();
    return done(status(errc::canceled, "the HTTP client is stopping"));
  }
  it->second.waiting.push_back(std::move(done));
  if (it->second.waiting.size() == 1) {
    impl_->queue.push_back(host);
    impl_->wake.notify_one();
  }
}

uint64_t resolver::lookups() const {
  std::lock_guard guard(impl_->lock);
  return impl_->lookups;
}

void resolver::stop() {
  std::vector<done_fn> dropped;
  {
    std::lock_guard guard(impl_->lock);
    impl_->stopping = true;
    impl_->queue.clear();
    for (auto& [host, e] : impl_->cache) {
      std::move(e.waiting.begin(), e.waiting.end(), std::back_inserter(dropped));
      e.waiting.clear();
    }
    impl_->wake.notify_all();
  }
  for (auto& done : dropped)
    done(status(errc::canceled, "the HTTP client is stopping"));
  for (auto& t : impl_->threads)
    if (t.joinable())
      t.join();
}

bool is_ip_literal(const std::string& host) {
  unsigned char buffer[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), buffer) == 1 ||
         inet_pton(AF_INET6, host.substr(0, host.find('%')).c_str(), buffer) == 1;
}

}  // namespace troupe::http
