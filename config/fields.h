// How a struct names the keys of its YAML mapping: one description serves reading (yaml_reader) and
// printing (yaml_printer). A text is printed only if its description says so; everything else
// prints as <secret>.
#pragma once

#include "config/sd_config.h"
#include "storage/base/secret.h"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::config {

/// May the value be printed? The default of every text is no.
enum class shown : bool { no, yes };
/// When the key is printed: only if its value is not zero or empty, or always.
enum class when : bool { set, always };

class fields {
 public:
  static constexpr size_t unset = static_cast<size_t>(-1);

  virtual ~fields() = default;
  /// True if values are being read into the struct.
  virtual bool reading() const = 0;
  /// Reading: the key is there and not null.
  virtual bool has(std::string_view key) const = 0;

  /// Reading: reports `key` as wrong. Printing: nothing.
  virtual void invalid(std::string_view key, std::string message) = 0;
  /// Printing: adds a value that was masked when it was read. Reading: nothing.
  virtual void display(std::string_view key, const display_value& v) = 0;

  virtual void text(std::string_view key, std::string& v, shown s = shown::no,
                    when w = when::set) = 0;
  virtual void secret_text(std::string_view key, secret& v) = 0;
  /// Printed with its user information and query values masked.
  virtual void url(std::string_view key, std::string& v) = 0;
  /// A file; a relative one is joined with the folder of the file it is read from.
  virtual void path(std::string_view key, std::string& v) = 0;
  virtual void flag(std::string_view key, bool& v, when w = when::set) = 0;
  virtual void integer(std::string_view key, int64_t& v, when w = when::set) = 0;
  virtual void count(std::string_view key, uint64_t& v, when w = when::set) = 0;
  virtual void number(std::string_view key, double& v, when w = when::set) = 0;
  /// Prometheus duration, kept in milliseconds.
  virtual void duration(std::string_view key, int64_t& ms, when w = when::set) = 0;
  /// "512MB": units are powers of 1024.
  virtual void bytes(std::string_view key, uint64_t& v, when w = when::set) = 0;
  virtual void texts(std::string_view key, std::vector<std::string>& v, shown s = shown::no) = 0;
  virtual void paths(std::string_view key, std::vector<std::string>& v) = 0;
  virtual void secrets(std::string_view key, std::vector<secret>& v) = 0;
  virtual void text_map(std::string_view key, std::map<std::string, std::string>& v,
                        shown s = shown::no) = 0;
  virtual void secret_map(std::string_view key, std::map<std::string, secret>& v) = 0;
  virtual void texts_map(std::string_view key, std::map<std::string, std::vector<std::string>>& v,
                         shown s = shown::no) = 0;
  virtual void secrets_map(std::string_view key, std::map<std::string, std::vector<secret>>& v) = 0;
  /// One of `names`, as its index.
  virtual void pick(std::string_view key, size_t& index, std::span<const std::string_view> names,
                    when w, bool any_case) = 0;
  virtual void picks(std::string_view key, std::vector<size_t>& indices,
                     std::span<const std::string_view> names) = 0;

  /// A nested mapping: true if its keys are to be described, followed by leave().
  virtual bool enter(std::string_view key, when w) = 0;
  /// A list of mappings of `have` entries: the number to describe, each by enter_item() and
  /// leave(); then leave().
  virtual size_t enter_list(std::string_view key, size_t have) = 0;
  virtual bool enter_item(size_t index) = 0;
  /// A mapping with free keys, each holding a mapping: the keys to describe by enter() and leave();
  /// then leave().
  virtual std::optional<std::vector<std::string>> enter_map(
      std::string_view key, const std::vector<std::string>& have) = 0;
  virtual void leave() = 0;

  template <class E>
  void choice(std::string_view key, E& v, std::span<const std::string_view> names,
              when w = when::always, bool any_case = false) {
    auto i = static_cast<size_t>(v);
    pick(key, i, names, w, any_case);
    v = static_cast<E>(i);
  }
  template <class E>
  void choice(std::string_view key, std::optional<E>& v, std::span<const std::string_view> names) {
    size_t i = v ? static_cast<size_t>(*v) : unset;
    pick(key, i, names, when::set, false);
    v = i == unset ? std::nullopt : std::optional<E>(static_cast<E>(i));
  }
  template <class E>
  void choices(std::string_view key, std::vector<E>& v, std::span<const std::string_view> names) {
    std::vector<size_t> indices;
    for (const auto e : v)
      indices.push_back(static_cast<size_t>(e));
    picks(key, indices, names);
    v.clear();
    for (const auto i : indices)
      v.push_back(static_cast<E>(i));
  }
  template <class T>
  void object(std::string_view key, T& v, void (*describe)(fields&, T&), when w = when::set) {
    if (!enter(key, w))
      return;
    describe(*this, v);
    leave();
  }
  template <class T>
  void object(std::string_view key, std::optional<T>& v, void (*describe)(fields&, T&)) {
    if (!reading() && !v)
      return;
    if (!enter(key, when::always))
      return;
    if (!v)
      v.emplace();
    describe(*this, *v);
    leave();
  }
  template <class T>
  void list(std::string_view key, std::vector<T>& v, void (*describe)(fields&, T&)) {
    list_with(key, v, [&](T& item) { describe(*this, item); });
  }
  /// As list(), for a description that needs context: describe(T&).
  template <class T, class F>
  void list_with(std::string_view key, std::vector<T>& v, F describe) {
    const size_t n = enter_list(key, v.size());
    if (n == unset)
      return;
    if (reading())
      v = std::vector<T>(n);
    for (size_t i = 0; i < n; ++i) {
      if (!enter_item(i))
        continue;
      describe(v[i]);
      leave();
    }
    leave();
  }
  template <class T>
  void map(std::string_view key, std::map<std::string, T>& v, void (*describe)(fields&, T&)) {
    std::vector<std::string> have;
    for (const auto& [name, value] : v)
      have.push_back(name);
    const auto names = enter_map(key, have);
    if (!names)
      return;
    if (reading())
      v.clear();
    for (const auto& name : *names) {
      if (!enter(name, when::always))
        continue;
      describe(*this, v[name]);
      leave();
    }
    leave();
  }
};

}  // namespace troupe::config
