// A request through a door of the API, stored as storage does it.
#pragma once

#include "config/config.h"
#include "pipeline/api/api.h"
#include "pipeline/remote/series_cache.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe::api {

class DoorTest : public ::testing::Test {
 protected:
  DoorTest() {
    base.clk = &clk;
    base.metrics = &metrics;
    base.budget = budget;
    base.known_series = &known;
    base.config = [this] { return config; };
    base.enable_write_receiver = true;
    base.enable_otlp_receiver = true;
    base.max_write_bytes = 1u << 20;
    the_api = std::make_unique<api>(base);
    outcome_of = [](const write_batch& b) {
      ingest::outcome o;
      o.report.accepted = b.sample_count();
      o.report.accepted_histograms = b.histograms.size();
      o.report.accepted_exemplars = b.exemplars.size();
      return o;
    };
  }

  http::response send_to(std::string path, std::string body, http::headers headers,
                         http::params query = {}) {
    http::request r;
    r.method = "POST";
    r.path = std::move(path);
    r.body = std::move(body);
    r.header_fields = std::move(headers);
    r.query = std::move(query);
    stored.clear();
    const auto m = the_api->find(r);
    if (m.to == nullptr)
      return m.refusal;
    answer a = the_api->handle(*m.to, r, {});
    if (auto* ready = std::get_if<http::response>(&a))
      return std::move(*ready);
    auto& store = std::get<store_request>(a);
    stored = store.batches;
    std::vector<ingest::outcome> outcomes;
    for (const auto& b : stored)
      outcomes.push_back(outcome_of(*b));
    return store.finish(outcomes);
  }

  /// With what was changed in `base`.
  void remake() { the_api = std::make_unique<api>(base); }

  manual_clock clk{135'000};
  registry metrics;
  std::shared_ptr<http::byte_budget> budget = std::make_shared<http::byte_budget>(64u << 20);
  remote::series_cache known{{}, clk};
  std::shared_ptr<const config::config> config = std::make_shared<config::config>();
  services base;
  std::unique_ptr<api> the_api;
  std::vector<batch_ptr> stored;
  std::function<ingest::outcome(const write_batch&)> outcome_of;
};

}  // namespace troupe::api
