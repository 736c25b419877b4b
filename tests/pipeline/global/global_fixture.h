// A node with a global view over servers in memory, which answer with the real API; what they do
// wrong is told by the test. No thread, no real time.
#pragma once

#include "config/config.h"
#include "pipeline/api/api.h"
#include "pipeline/global/global_view.h"
#include "pipeline/http/endpoint.h"
#include "pipeline/http/snappy_encoder.h"
#include "pipeline/http/url.h"
#include "pipeline/ingest/watermarks.h"
#include "query/engine/engine.h"
#include "tests/support/memory_queryable.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace troupe::global {

class GlobalViewTest : public ::testing::Test {
 protected:
  enum class mood { answers, refuses, hangs, fails, is_held };
  struct server {
    std::shared_ptr<memory_queryable> data = std::make_shared<memory_queryable>();
    mood how = mood::answers;
    int code = 500;    ///< if it fails
    std::string only;  ///< it does wrong at this path alone
    std::map<std::string, std::string> external_labels;
    bool is_prometheus = false;  ///< knows no parameter of ours
  };
  struct held_fetch {
    http::fetch_request request;
    http::fetcher::done_fn done;
  };

  GlobalViewTest() {
    region_environment r;
    r.clk = &clk;
    r.metrics = &metrics;
    r.fetch = [this](std::vector<http::fetch_request> batch, const http::fetcher::done_fn& done) {
      for (auto& one : batch)
        serve(std::move(one), done);
    };
    r.endpoints =
        [](const config::global_view_config& c) -> result<region_environment::endpoint_fn> {
      TROUPE_ASSIGN(auto settings, http::make_client_settings(c.client, {}));
      return region_environment::endpoint_fn(
          [settings](const std::string& url) { return http::make_endpoint(url, settings); });
    };
    global_environment g;
    g.regions = r;
    g.engine = &engine;
    g.watermarks = &watermarks;
    g.compress = [](std::string_view raw) {
      std::string out;
      http::snappy(raw, out);
      return out;
    };
    g.local = [this](int64_t, const std::atomic<bool>*) { return std::make_unique<door>(local); };
    view = std::make_unique<global_view>(std::move(g));
  }

  /// eu is a pair, us one node; nodes of a region have the same data.
  void use_two_regions(const std::string& own = "") {
    servers["eu-b:9090"].data = servers["eu-a:9090"].data;
    config::own_config c;
    c.region.name = own;
    c.global_view = {block("eu", {"http://eu-a:9090", "http://eu-b:9090/"}),
                     block("us", {"http://us:9090"})};
    use(c);
  }
  void use(const config::own_config& c) {
    auto regions = view->regions_of(c);
    ASSERT_TRUE(regions.ok()) << regions.error().message();
    view->set_regions(std::move(*regions), c.region.name);
  }
  static config::global_view_config block(std::string name, std::vector<std::string> urls) {
    config::global_view_config out;
    out.name = std::move(name);
    out.urls = std::move(urls);
    return out;
  }

  memory_queryable& eu() { return *servers["eu-a:9090"].data; }
  memory_queryable& us() { return *servers["us:9090"].data; }

  /// Ten samples at 0, 1000, … with values from `first` on.
  static void put(memory_queryable& to, std::vector<std::pair<std::string, std::string>> series,
                  double first) {
    const auto ls = labels::from(std::move(series));
    for (int i = 0; i < 10; ++i)
      to.append(ls, i * 1000, first + i);
  }

  /// What the node answers.
  http::response call(const std::string& path, const http::params& params) {
    api::services s = services_over(local);
    s.global_view = view.get();
    s.watermarks = &watermarks;
    return respond(s, path, params);
  }
  std::string body(const std::string& path, const http::params& params) {
    return call(path, params).body;
  }
  std::string at(const std::string& query, http::params more = {}) {
    more.insert(more.end(), {{"query", query}, {"time", "9"}});
    return body("/api/v1/query", more);
  }
  /// What a server that has all of `data` answers.
  std::string body_over(memory_queryable& data, const std::string& path,
                        const http::params& params) {
    return respond(services_over(data), path, params).body;
  }

  api::services services_over(memory_queryable& data) {
    api::services s;
    s.data = s.local = &data;
    s.engine = &engine;
    s.clk = &clk;
    s.metrics = &metrics;
    s.budget = budget;
    s.query_timeout_ms = 10'000;
    return s;
  }
  http::response respond(const api::services& s, const std::string& path,
                         const http::params& params) {
    http::request r;
    r.method = "GET";
    r.path = path;
    r.query = params;
    r.gone = gone;
    return respond(s, r, {});
  }
  static http::response respond(const api::services& s, const http::request& r,
                                const api::inputs& in) {
    const api::api a(s);
    const auto m = a.find(r);
    if (m.to == nullptr)
      return m.refusal;
    auto out = std::get<http::response>(a.handle(*m.to, r, in));
    while (out.stream && out.stream(out.body)) {
    }
    return out;
  }

  void serve(http::fetch_request r, const http::fetcher::done_fn& done) {
    const bool form = http::find_header(r.header_fields, "Content-Type") == form_type;
    asked.push_back(r.to->authority() + r.to->target() + (form ? "?" + r.body : ""));
    timeouts.push_back(r.timeout_ms);
    if (on_request)
      on_request();
    server& s = servers[r.to->authority()];
    const bool elsewhere = !s.only.empty() && !r.to->target().starts_with(s.only);
    http::fetch_result out;
    switch (elsewhere ? mood::answers : s.how) {
      case mood::answers:
        out = answer(s, r);
        break;
      case mood::refuses:
        out.error = status(errc::io_error, "connect: Connection refused");
        break;
      case mood::hangs:
        clk.advance_ms(r.timeout_ms);
        out.error = status(errc::timeout, "deadline exceeded");
        break;
      case mood::fails:
        out.code = s.code;
        out.body = "no good\n";
        break;
      case mood::is_held:
        held.push_back({std::move(r), done});
        return;
    }
    out.token = r.token;
    done({std::move(out)});
  }
  http::fetch_result answer(server& s, const http::fetch_request& from) {
    http::request r;
    auto target = http::parse_request_target(from.to->target());
    r.method = from.method;
    r.path = target->path;
    r.query = target->query;
    r.body = from.body;
    if (http::find_header(from.header_fields, "Content-Type") == form_type) {
      const auto form = http::parse_form(from.body);
      r.query.insert(r.query.begin(), form->begin(), form->end());
    }
    api::inputs in;
    auto c = std::make_shared<config::config>();
    c->global.external_labels = s.external_labels;
    in.config = c;
    if (s.is_prometheus && r.path == "/api/v1/read")
      r.query.clear();
    in.config_yaml = "global:\n  external_labels:\n";
    for (const auto& [name, value] : s.external_labels)
      in.config_yaml += "    " + name + ": " + value + "\n";
    auto got = respond(services_over(*s.data), r, in);
    http::fetch_result out;
    if (got.body.size() > from.max_body_bytes) {
      out.error = status(errc::out_of_bounds, "the body is too large");
      return out;
    }
    out.code = got.status;
    out.content_type = got.content_type;
    if (from.want_headers)
      out.header_fields = got.header_fields;
    out.body = std::move(got.body);
    return out;
  }
  /// Answers the one that is held for the longest time.
  void release() {
    auto h = std::move(held.front());
    held.pop_front();
    auto out = answer(servers[h.request.to->authority()], h.request);
    out.token = h.request.token;
    h.done({std::move(out)});
  }

  // Stands for the door that the node gives to a query.
  class door final : public storage::queryable {
   public:
    explicit door(storage::queryable& to) : to_(to) {}
    result<std::unique_ptr<storage::querier>> open(std::string_view tenant, timestamp_ms mint,
                                                   timestamp_ms maxt) override {
      return to_.open(tenant, mint, maxt);
    }
    result<std::vector<storage::exemplar_series>> exemplars(
        std::string_view tenant, timestamp_ms mint, timestamp_ms maxt,
        std::span<const matchers> selectors) override {
      return to_.exemplars(tenant, mint, maxt, selectors);
    }
    std::vector<std::pair<std::string, metadata>> metadata_of(std::string_view tenant,
                                                              std::string_view family,
                                                              size_t limit) override {
      return to_.metadata_of(tenant, family, limit);
    }

   private:
    storage::queryable& to_;
  };

  static constexpr std::string_view form_type = "application/x-www-form-urlencoded";
  manual_clock clk;
  registry metrics;
  memory_queryable local;
  query::engine engine{{}, clk};
  std::shared_ptr<http::byte_budget> budget = std::make_shared<http::byte_budget>(64u << 20);
  ingest::watermarks watermarks;
  std::shared_ptr<std::atomic<bool>> gone = std::make_shared<std::atomic<bool>>(false);
  std::map<std::string, server> servers;
  std::deque<held_fetch> held;
  std::function<void()> on_request;
  std::vector<std::string> asked;  ///< host, target and parameters of each request
  std::vector<int64_t> timeouts;
  std::unique_ptr<global_view> view;
};

}  // namespace troupe::global
