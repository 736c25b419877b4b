// Fills structs from a YAML tree: unknown keys and wrong types become diagnostics with position and
// path; what is wrong keeps its default. One use, one thread.
#pragma once

#include "config/fields.h"
#include "config/yaml.h"

#include <vector>

namespace troupe::config {

class yaml_reader final : public fields {
 public:
  /// `root` must be a mapping or null. Relative paths are joined with `folder`. All arguments must
  /// outlive the reader.
  yaml_reader(const yaml_node& root, const std::string& file, const std::string& folder,
              diagnostics& errors);

  /// Describes the root mapping.
  template <class T>
  void read(T& into, void (*describe)(fields&, T&)) {
    if (!begin())
      return;
    describe(*this, into);
    leave();
  }

  /// The value of a key whose shape the caller knows; null if absent or null. Marks it as known.
  const yaml_node* raw(std::string_view key);
  /// Path of a key of the mapping being read.
  std::string path_of(std::string_view key) const;
  void fail(const yaml_node& where, std::string field, std::string message);
  const std::string& folder() const { return folder_; }

  bool reading() const override { return true; }
  bool has(std::string_view key) const override;
  void invalid(std::string_view key, std::string message) override;
  void display(std::string_view, const display_value&) override {}
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
    const yaml_node* node;
    std::string path;
    std::vector<bool> known;  ///< per member of a map
  };

  bool begin();
  void push(const yaml_node& node, std::string path);
  /// The scalar under `key`, or null after reporting what is wrong with it.
  const yaml_node* scalar(std::string_view key, std::string_view expected);
  bool scalar_text(const yaml_node& n, const std::string& path, std::string_view expected,
                   std::string& out);
  bool text_list(const yaml_node& n, const std::string& path, std::vector<std::string>& out);
  void wrong_type(const yaml_node& n, std::string path, std::string_view expected);

  const yaml_node& root_;
  const std::string& file_;
  const std::string& folder_;
  diagnostics& errors_;
  std::vector<level> levels_;
};

/// Scalars as YAML 1.1 reads them; false if the text is none.
bool parse_yaml_bool(std::string_view text, bool& out);
bool parse_yaml_int(std::string_view text, int64_t& out);
bool parse_yaml_count(std::string_view text, uint64_t& out);
bool parse_yaml_number(std::string_view text, double& out);

}  // namespace troupe::config
