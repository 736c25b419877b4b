// Prints structs as YAML the way Prometheus shows its configuration: defaults filled in, secrets as
// <secret>, URLs masked. One use, one thread.
#pragma once

#include "config/fields.h"
#include "config/sd_config.h"

#include <string>
#include <vector>

namespace troupe::config {

class yaml_printer final : public fields {
 public:
  yaml_printer();

  /// Everything described so far, as YAML text.
  std::string text() const;

  bool reading() const override { return false; }
  bool has(std::string_view) const override { return true; }
  void invalid(std::string_view, std::string) override {}
  void display(std::string_view key, const display_value& v) override { add(key, v); }
  void text(std::string_view key, std::string& v, shown s, when w) override;
  void secret_text(std::string_view key, secret& v) override;
  void url(std::string_view key, std::string& v) override;
  void path(std::string_view key, std::string& v) override;
  void flag(std::string_view key, bool& v, when w) override;
  void integer(std::string_view key, int64_t& v, when w) override;
  void count(std::string_view key, uint64_t& v, when w) override;
  void number(std::string_view key, double& v, when w) override;
  void duration(std::string_view key, int64_t& ms, when w) override;
  void bytes(std::string_view key, uint64_t& v, when w) override;
  void texts(std::string_view key, std::vector<std::string>& v, shown s) override;
  void paths(std::string_view key, std::vector<std::string>& v) override;
  void secrets(std::string_view key, std::vector<secret>& v) override;
  void text_map(std::string_view key, std::map<std::string, std::string>& v, shown s) override;
  void secret_map(std::string_view key, std::map<std::string, secret>& v) override;
  void texts_map(std::string_view key, std::map<std::string, std::vector<std::string>>& v,
                 shown s) override;
  void secrets_map(std::string_view key, std::map<std::string, std::vector<secret>>& v) override;
  void pick(std::string_view key, size_t& index, std::span<const std::string_view> names, when w,
            bool any_case) override;
  void picks(std::string_view key, std::vector<size_t>& indices,
             std::span<const std::string_view> names) override;
  bool enter(std::string_view key, when w) override;
  size_t enter_list(std::string_view key, size_t have) override;
  bool enter_item(size_t index) override;
  std::optional<std::vector<std::string>> enter_map(std::string_view key,
                                                    const std::vector<std::string>& have) override;
  void leave() override;

 private:
  struct level {
    display_value value;
    std::string key;  ///< under which it goes into its parent
    bool keep_empty = false;
  };
  void add(std::string_view key, display_value v);
  void add_scalar(std::string_view key, std::string text, bool raw);
  void add_list(std::string_view key, const std::vector<std::string>& items);
  std::vector<level> levels_;
};

/// A tree as block YAML, ending with a newline; strings are quoted where YAML would read something
/// else.
std::string render_yaml(const display_value& v);

}  // namespace troupe::config
