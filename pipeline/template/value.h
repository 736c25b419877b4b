// Values of the template language, as Go's text/template sees those that Prometheus hands it.
// Copies are cheap: what is long is shared. Immutable; any thread.
#pragma once

#include "storage/model/histogram.h"
#include "storage/model/labels.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::templates {

struct alert_data;
struct sample;
struct value_map;

using sample_ptr = std::shared_ptr<const sample>;
using data_ptr = std::shared_ptr<const alert_data>;
using map_ptr = std::shared_ptr<const value_map>;

/// A nil that has the type interface {}: what a missing key of a map of anything gives.
struct nil_interface {};
struct shared_text {
  std::shared_ptr<const std::string> bytes;
};
/// What safeHtml gives: a string of another type.
struct html_text {
  std::shared_ptr<const std::string> bytes;
};
/// The result of a query, or a part of it.
struct sample_list {
  std::shared_ptr<const std::vector<sample_ptr>> all;
  size_t begin = 0, end = 0;

  size_t size() const { return end - begin; }
  const sample_ptr& operator[](size_t i) const { return (*all)[begin + i]; }
};
/// *time.Time, in UTC.
struct instant {
  int64_t ns = 0;
};
/// *time.Duration.
struct span {
  int64_t ns = 0;
};

class value {
 public:
  /// In the order of `storage`.
  enum class type : uint8_t {
    none,  ///< no value at all: nil, or a field of nil
    nil,
    boolean,
    integer,
    byte,
    number,
    text,
    html,
    labels,
    map,
    samples,
    sample,  ///< may be a null pointer
    data,
    time,
    duration,
    histogram,
  };
  using storage = std::variant<std::monostate, nil_interface, bool, int64_t, uint8_t, double,
                               shared_text, html_text, troupe::labels, map_ptr, sample_list,
                               sample_ptr, data_ptr, instant, span, histogram_ptr>;

  value() = default;
  explicit value(storage s) : storage_(std::move(s)) {}
  static value of(bool v) { return value(storage(v)); }
  static value of(int64_t v) { return value(storage(v)); }
  static value of(double v) { return value(storage(v)); }
  static value of(std::string v) {
    return value(storage(shared_text{std::make_shared<const std::string>(std::move(v))}));
  }
  static value of(std::vector<sample_ptr> v) {
    const size_t size = v.size();
    return value(storage(
        sample_list{std::make_shared<const std::vector<sample_ptr>>(std::move(v)), 0, size}));
  }

  type kind() const { return static_cast<type>(storage_.index()); }
  bool is(type t) const { return kind() == t; }
  /// string or template.HTML.
  bool is_text() const { return is(type::text) || is(type::html); }
  template <class T>
  const T& as() const {
    return std::get<T>(storage_);
  }
  std::string_view text() const {
    return is(type::html) ? *as<html_text>().bytes : *as<shared_text>().bytes;
  }

  /// The value as it lies in a slot of type interface {}: errors about its fields name that type.
  value boxed() const;
  /// What a pipeline makes of its result: out of its slot, a nil interface is no value.
  value unboxed() const;
  bool is_boxed() const { return boxed_; }

  /// Go's name of the type behind any interface; "<nil>" without a value.
  std::string_view type_name() const;
  /// The same as the slot sees it: "interface {}" if boxed.
  std::string_view slot_type_name() const;
  /// What `if` and `with` ask: not false, zero, empty or nil.
  bool truth() const;

 private:
  storage storage_;
  bool boxed_ = false;
};

/// One element of a query's result.
struct sample {
  troupe::labels metric;
  value number;  ///< a float64 or a histogram
};

/// map[string]interface {}: what `args` gives.
struct value_map {
  std::map<std::string, value, std::less<>> entries;
  size_t nesting = 1;  ///< maps within maps, itself included
};

/// What '.' is at the start of an alert's template.
struct alert_data {
  troupe::labels labels, external_labels;
  std::string external_url;
  value number;  ///< a float64 or a histogram
};

}  // namespace troupe::templates
