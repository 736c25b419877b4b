#include "storage/base/stats.h"

#include "storage/base/check.h"
#include "storage/base/quote.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <variant>

namespace troupe {
namespace {

void append_number(std::string& out, double v) {
  if (std::isnan(v))
    out += "NaN";
  else if (std::isinf(v))
    out += v > 0 ? "+Inf" : "-Inf";
  else if (v == std::floor(v) && std::fabs(v) < 1e15)
    fmt::format_to(std::back_inserter(out), "{}", static_cast<int64_t>(v));
  else
    fmt::format_to(std::back_inserter(out), "{}", v);
}

void append_labels(std::string& out, const label_pairs& labels, std::string_view le = {}) {
  if (labels.empty() && le.empty())
    return;
  out.push_back('{');
  bool first = true;
  const auto pair = [&](std::string_view name, std::string_view value) {
    if (!first)
      out.push_back(',');
    first = false;
    out += name;
    out += "=\"";
    append_escaped(out, value);
    out.push_back('"');
  };
  for (const auto& [name, value] : labels)
    pair(name, value);
  if (!le.empty())
    pair("le", le);
  out.push_back('}');
}

using read_function = std::function<double()>;
using metric = std::variant<std::unique_ptr<counter>, std::unique_ptr<gauge>,
                            std::unique_ptr<bucket_histogram>, read_function>;

struct family {
  std::string help;
  std::string_view type;
  std::map<label_pairs, metric> series;
  registry::read_series read;  ///< gives others; may be empty
};

void append_series(std::string& out, std::string_view name, const label_pairs& labels, double v) {
  out += name;
  append_labels(out, labels);
  out.push_back(' ');
  append_number(out, v);
  out.push_back('\n');
}

void append_histogram(std::string& out, std::string_view name, const label_pairs& labels,
                      const bucket_histogram& h) {
  uint64_t total = 0;
  for (size_t i = 0; i <= h.bounds().size(); ++i) {
    total += h.bucket_count(i);
    std::string le;
    append_number(le, i < h.bounds().size() ? h.bounds()[i] : INFINITY);
    out += name;
    out += "_bucket";
    append_labels(out, labels, le);
    fmt::format_to(std::back_inserter(out), " {}\n", total);
  }
  append_series(out, std::string(name) + "_sum", labels, h.sum());
  append_series(out, std::string(name) + "_count", labels, static_cast<double>(total));
}

void append_family(std::string& out, std::string_view name, const family& f) {
  out += "# HELP ";
  out += name;
  out.push_back(' ');
  append_escaped_help(out, f.help);
  out += "\n# TYPE ";
  out += name;
  out.push_back(' ');
  out += f.type;
  out.push_back('\n');
  for (const auto& [labels, m] : f.series) {
    if (const auto* c = std::get_if<std::unique_ptr<counter>>(&m))
      append_series(out, name, labels, (*c)->value());
    else if (const auto* g = std::get_if<std::unique_ptr<gauge>>(&m))
      append_series(out, name, labels, (*g)->value());
    else if (const auto* h = std::get_if<std::unique_ptr<bucket_histogram>>(&m))
      append_histogram(out, name, labels, **h);
    else
      append_series(out, name, labels, std::get<read_function>(m)());
  }
  if (!f.read)
    return;
  auto others = f.read();
  for (auto& s : others)
    std::sort(s.labels.begin(), s.labels.end());
  std::sort(others.begin(), others.end(),
            [](const auto& a, const auto& b) { return a.labels < b.labels; });
  for (const auto& s : others)
    append_series(out, name, s.labels, s.value);
}

}  // namespace

bucket_histogram::bucket_histogram(std::vector<double> upper_bounds)
    : bounds_(std::move(upper_bounds)), counts_(bounds_.size() + 1) {
  TROUPE_CHECK(std::is_sorted(bounds_.begin(), bounds_.end()));
}

void bucket_histogram::observe(double v) {
  const auto i = std::lower_bound(bounds_.begin(), bounds_.end(), v) - bounds_.begin();
  counts_[static_cast<size_t>(i)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(v, std::memory_order_relaxed);
}

struct registry::impl {
  mutable std::mutex mutex;
  std::map<std::string, family, std::less<>> families;
  std::multimap<std::string, std::string, std::less<>> aliases;  ///< existing name to alias

  // The family, which must be of that type if it is known already.
  family& of(std::string_view name, std::string_view help, std::string_view type) {
    auto it = families.find(name);
    if (it == families.end())
      it = families.emplace(std::string(name), family{std::string(help), type, {}, {}}).first;
    TROUPE_CHECK(it->second.type == type);
    return it->second;
  }

  // The slot of a series.
  metric& at(std::string_view name, std::string_view help, std::string_view type,
             label_pairs labels) {
    std::sort(labels.begin(), labels.end());
    return of(name, help, type).series[std::move(labels)];
  }

  template <class T, class... A>
  T& get(std::string_view name, std::string_view help, std::string_view type, label_pairs labels,
         A&&... args) {
    const std::lock_guard lock(mutex);
    metric& m = at(name, help, type, std::move(labels));
    auto* held = std::get_if<std::unique_ptr<T>>(&m);
    if (held == nullptr || *held == nullptr) {
      m = std::make_unique<T>(std::forward<A>(args)...);
      held = std::get_if<std::unique_ptr<T>>(&m);
    }
    return **held;
  }
};

registry::registry() : impl_(std::make_unique<impl>()) {}
registry::~registry() = default;

counter& registry::get_counter(std::string_view name, std::string_view help, label_pairs labels) {
  return impl_->get<counter>(name, help, "counter", std::move(labels));
}
gauge& registry::get_gauge(std::string_view name, std::string_view help, label_pairs labels) {
  return impl_->get<gauge>(name, help, "gauge", std::move(labels));
}
bucket_histogram& registry::get_histogram(std::string_view name, std::string_view help,
                                          std::vector<double> upper_bounds, label_pairs labels) {
  return impl_->get<bucket_histogram>(name, help, "histogram", std::move(labels),
                                      std::move(upper_bounds));
}

void registry::add_gauge_callback(std::string_view name, std::string_view help,
                                  std::function<double()> read, label_pairs labels) {
  const std::lock_guard lock(impl_->mutex);
  impl_->at(name, help, "gauge", std::move(labels)) = std::move(read);
}

void registry::add_counter_callback(std::string_view name, std::string_view help,
                                    std::function<double()> read, label_pairs labels) {
  const std::lock_guard lock(impl_->mutex);
  impl_->at(name, help, "counter", std::move(labels)) = std::move(read);
}

void registry::add_gauge_family(std::string_view name, std::string_view help, read_series read) {
  const std::lock_guard lock(impl_->mutex);
  impl_->of(name, help, "gauge").read = std::move(read);
}

void registry::add_counter_family(std::string_view name, std::string_view help, read_series read) {
  const std::lock_guard lock(impl_->mutex);
  impl_->of(name, help, "counter").read = std::move(read);
}

void registry::add_alias(std::string_view existing, std::string_view alias) {
  const std::lock_guard lock(impl_->mutex);
  const auto [from, to] = impl_->aliases.equal_range(existing);
  if (std::none_of(from, to, [&](const auto& a) { return a.second == alias; }))
    impl_->aliases.emplace(existing, alias);
}

std::string registry::render() const {
  const std::lock_guard lock(impl_->mutex);
  std::map<std::string_view, const family*> shown;
  for (const auto& [name, f] : impl_->families) {
    shown.emplace(name, &f);
    const auto [from, to] = impl_->aliases.equal_range(name);
    for (auto a = from; a != to; ++a)
      shown.emplace(a->second, &f);
  }
  std::string out;
  for (const auto& [name, f] : shown)
    append_family(out, name, *f);
  return out;
}

}  // namespace troupe
