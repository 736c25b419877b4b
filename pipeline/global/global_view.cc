#include "pipeline/global/global_view.h"

#include "storage/base/quote.h"

#include <algorithm>

namespace troupe::global {
namespace {

constexpr std::string_view this_node = "local";

}  // namespace

global_view::global_view(global_environment env)
    : env_(std::move(env)), members_(std::make_shared<const members>()) {
  views_.clk = env_.regions.clk;
  views_.engine = env_.engine;
  views_.watermarks = env_.watermarks;
  views_.compress = env_.compress;
  views_.parts_pushed = &env_.regions.metrics->get_counter(
      "troupe_global_view_parts_pushed_total", "Parts of queries that regions evaluated.");
}

result<std::vector<region_ptr>> global_view::regions_of(const config::own_config& c) const {
  const auto before = all();
  std::vector<region_ptr> out;
  for (const auto& block : c.global_view) {
    const auto same = std::find_if(before->regions.begin(), before->regions.end(),
                                   [&](const region_ptr& r) { return r->config() == block; });
    if (same != before->regions.end()) {
      out.push_back(*same);
      continue;
    }
    auto fresh = region::create(block, env_.regions);
    if (!fresh.ok())
      return fresh.error().with_context("global_view " + quoted(block.name));
    out.push_back(std::move(*fresh));
  }
  return out;
}

void global_view::set_regions(std::vector<region_ptr> regions, std::string own) {
  std::atomic_store(&members_,
                    std::make_shared<const members>(members{std::move(regions), std::move(own)}));
}

bool global_view::empty() const {
  return all()->regions.empty();
}

result<std::unique_ptr<query_view>> global_view::for_query(const view_wish& wish) const {
  const auto now = all();
  view_options o;
  o.own = now->own;
  o.partial = wish.partial;
  o.timeout_ms = wish.timeout_ms;
  o.cancel = wish.cancel;
  if (!wish.regions) {
    o.regions = now->regions;
  } else {
    o.local = false;
    for (const auto& name : *wish.regions) {
      if (name == this_node || (name == now->own && !name.empty())) {
        o.local = true;
        continue;
      }
      const auto at = std::find_if(now->regions.begin(), now->regions.end(),
                                   [&](const region_ptr& r) { return r->name() == name; });
      if (at == now->regions.end())
        return {errc::invalid_argument, "there is no region " + quoted(name)};
      if (std::find(o.regions.begin(), o.regions.end(), *at) == o.regions.end())
        o.regions.push_back(*at);
    }
  }
  return std::make_unique<query_view>(views_, std::move(o),
                                      env_.local(wish.timeout_ms, wish.cancel));
}

std::vector<region_state> global_view::states() const {
  std::vector<region_state> out;
  for (const auto& r : all()->regions)
    out.push_back(r->state());
  return out;
}

}  // namespace troupe::global
