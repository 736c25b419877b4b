#include "pipeline/http/curl_client.h"

#include "pipeline/http/curl_transfer.h"
#include "pipeline/http/grant_book.h"
#include "storage/base/check.h"
#include "storage/base/clock.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>

#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <thread>

namespace troupe::http {
namespace {

status stopping() {
  return {errc::canceled, "the HTTP client is stopping"};
}

/// Null if the request needs no grant.
grant_source_ptr source_of(const fetch_request& r) {
  if (r.grants)
    return r.grants;
  const auto& settings = r.to->shared_settings();
  return {settings, settings->grants()};
}

}  // namespace

struct curl_client::impl {
  struct batch {
    done_fn done;
    std::vector<fetch_result> ready;
  };
  struct job {
    fetch_request request;
    std::shared_ptr<batch> to;
    int64_t began_ns;
    int64_t began_ms;
  };
  /// With a source of grants, for as long as the request has time that began it.
  struct talk {
    grant_source_ptr with;
    client_settings_ptr by;
    int64_t deadline_ns;
  };
  struct running {
    std::unique_ptr<curl_transfer> transfer;
    std::optional<job> what;  ///< a fetch, or
    std::optional<talk> of;   ///< a request for a grant
  };

  impl(curl_options o, const clock& c) : options(std::move(o)), clk(c) {
    if (!options.budget)
      options.budget = std::make_shared<byte_budget>(256 << 20);
    static const CURLcode ready = curl_global_init(CURL_GLOBAL_ALL);
    TROUPE_CHECK(ready == CURLE_OK);
    multi = curl_multi_init();
    TROUPE_CHECK(multi != nullptr);
    curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                      static_cast<long>(options.max_connections));
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(options.max_connections));
  }
  ~impl() { curl_multi_cleanup(multi); }

  curl_options options;
  const clock& clk;
  CURLM* multi = nullptr;
  std::thread thread;

  std::mutex lock;  ///< guards the three below
  std::deque<job> incoming;
  size_t queued = 0;  ///< jobs that are not finished
  bool stopped = false;

  // Of the thread:
  std::deque<job> waiting;  ///< for a free place
  std::map<const grant_source*, std::deque<job>> for_grant;
  grant_book grants;
  std::map<CURL*, running> active;
  std::vector<std::shared_ptr<batch>> dirty;

  void run() {
    for (;;) {
      {
        std::lock_guard guard(lock);
        if (stopped)
          break;
        std::move(incoming.begin(), incoming.end(), std::back_inserter(waiting));
        incoming.clear();
      }
      start_waiting();
      int count = 0;
      curl_multi_perform(multi, &count);
      collect();
      flush();
      curl_multi_poll(multi, nullptr, 0, 1000, nullptr);
    }
    shut_down();
  }

  void start_waiting() {
    while (!waiting.empty() && active.size() < options.max_connections) {
      job next = std::move(waiting.front());
      waiting.pop_front();
      begin(std::move(next));
    }
  }

  int64_t left_ms(const job& j) const {
    return j.request.timeout_ms - (clk.monotonic_ns() - j.began_ns) / 1'000'000;
  }

  void begin(job j) {
    const auto& settings = j.request.to->settings();
    int64_t now = clk.monotonic_ns();
    int64_t left = left_ms(j);
    if (left <= 0)
      return finish(j, status(errc::timeout, "deadline exceeded before the fetch could start"));
    headers granted;
    if (const auto source = source_of(j.request)) {
      if (grants.is_due(*source, now))
        ask({source, j.request.to->shared_settings(), now + left * 1'000'000},
            grants.begin(source, now, clk.now_ms()));
      const auto* in_force = grants.in_force(*source, now);
      if (in_force == nullptr && grants.is_asking(*source)) {
        for_grant[source.get()].push_back(std::move(j));
        return;
      }
      if (in_force == nullptr)
        return finish(j, grants.why_none(*source));
      granted = in_force->authorize(j.request, clk.now_ms());
    }
    auto spec = spec_of(j.request, granted, left);
    if (!spec)
      return finish(j, spec.error());
    auto made = curl_transfer::make(std::move(*spec), settings, options.budget);
    if (!made)
      return finish(j, made.error());
    add({std::move(*made), std::move(j), std::nullopt});
  }

  void add(running r) {
    CURL* easy = r.transfer->handle();
    active.emplace(easy, std::move(r));
    curl_multi_add_handle(multi, easy);
  }

  /// Makes the next request of a talk, or ends it.
  void ask(const talk& t, std::optional<transfer_spec> spec) {
    while (spec) {
      const int64_t left = (t.deadline_ns - clk.monotonic_ns()) / 1'000'000;
      spec->timeout_ms = std::min(spec->timeout_ms, left);
      put_line(spec->header_lines, "User-Agent", t.by->user_agent());
      auto made = curl_transfer::make(std::move(*spec), *t.by, options.budget);
      if (made)
        return add({std::move(*made), std::nullopt, t});
      fetch_result no;
      no.error = made.error();
      spec = grants.take(*t.with, no, clk.monotonic_ns(), clk.now_ms());
    }
    auto jobs = for_grant.extract(t.with.get());
    if (jobs.empty())
      return;
    if (grants.in_force(*t.with, clk.monotonic_ns()) != nullptr) {
      std::move(jobs.mapped().begin(), jobs.mapped().end(), std::back_inserter(waiting));
      return;
    }
    for (const auto& j : jobs.mapped())
      finish(j, grants.why_none(*t.with));
  }

  void collect() {
    int left = 0;
    while (CURLMsg* m = curl_multi_info_read(multi, &left)) {
      if (m->msg != CURLMSG_DONE)
        continue;
      auto it = active.find(m->easy_handle);
      running r = std::move(it->second);
      CURLcode rc = m->data.result;
      active.erase(it);
      curl_multi_remove_handle(multi, r.transfer->handle());
      if (r.what && r.transfer->follow(rc, left_ms(*r.what))) {
        add(std::move(r));
        continue;
      }
      auto answer = r.transfer->finish(rc);
      if (r.of) {
        ask(*r.of, grants.take(*r.of->with, answer, clk.monotonic_ns(), clk.now_ms()));
      } else {
        const auto source = answer.code == 401 ? source_of(r.what->request) : nullptr;
        if (source)
          grants.refuse(*source);
        finish(*r.what, std::move(answer));
      }
    }
    start_waiting();
  }

  void finish(const job& j, const status& why) {
    fetch_result out;
    out.error = why;
    finish(j, std::move(out));
  }

  void finish(const job& j, fetch_result out) {
    out.token = j.request.token;
    out.started_ms = j.began_ms;
    out.duration_ns = clk.monotonic_ns() - j.began_ns;
    if (j.to->ready.empty())
      dirty.push_back(j.to);
    j.to->ready.push_back(std::move(out));
  }

  void flush() {
    auto batches = std::move(dirty);
    dirty.clear();
    for (auto& b : batches) {
      auto ready = std::move(b->ready);
      b->ready.clear();
      {
        std::lock_guard guard(lock);
        queued -= ready.size();
      }
      b->done(std::move(ready));
    }
  }

  void shut_down() {
    {
      std::lock_guard guard(lock);
      std::move(incoming.begin(), incoming.end(), std::back_inserter(waiting));
      incoming.clear();
    }
    for (auto& [easy, r] : active) {
      curl_multi_remove_handle(multi, easy);
      if (r.what)
        finish(*r.what, stopping());
    }
    active.clear();
    for (auto& [source, jobs] : for_grant)
      for (auto& j : jobs)
        finish(j, stopping());
    for (auto& j : waiting)
      finish(j, stopping());
    flush();
  }
};

curl_client::curl_client(curl_options options, const clock& clk)
    : impl_(std::make_unique<impl>(std::move(options), clk)) {
  sigset_t all;
  sigset_t old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  impl_->thread = std::thread([this] { impl_->run(); });
  pthread_setname_np(impl_->thread.native_handle(), "http-curl");
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

curl_client::~curl_client() {
  stop();
}

void curl_client::fetch(std::vector<fetch_request> requests, done_fn done) {
  auto to = std::make_shared<impl::batch>(impl::batch{done, {}});
  std::vector<fetch_result> refused;
  {
    std::lock_guard guard(impl_->lock);
    for (auto& r : requests) {
      if (!impl_->stopped && impl_->queued < impl_->options.max_queue) {
        ++impl_->queued;
        impl_->incoming.push_back(
            {std::move(r), to, impl_->clk.monotonic_ns(), impl_->clk.now_ms()});
        continue;
      }
      fetch_result no;
      no.token = r.token;
      no.error = impl_->stopped ? stopping()
                                : status(errc::resource_exhausted, "too many fetches are waiting");
      refused.push_back(std::move(no));
    }
  }
  curl_multi_wakeup(impl_->multi);
  if (!refused.empty())
    done(std::move(refused));
}

void curl_client::stop() {
  {
    std::lock_guard guard(impl_->lock);
    impl_->stopped = true;
  }
  curl_multi_wakeup(impl_->multi);
  if (impl_->thread.joinable())
    impl_->thread.join();
}

}  // namespace troupe::http
