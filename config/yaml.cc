#include "config/yaml.h"

#include "storage/base/quote.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <sstream>

namespace troupe::config {
namespace {

constexpr std::string_view string_tag = "tag:yaml.org,2002:str";
constexpr std::string_view merge_key = "<<";

// Thrown through yaml-cpp to stop it; never leaves this file.
struct stop_parsing {
  YAML::Mark where;
  std::string why;
};

struct weight {
  size_t nodes = 0;
  size_t bytes = 0;
};

weight weigh(const yaml_node& n) {
  weight w{1, n.text.size()};
  for (const auto& i : n.items) {
    const auto c = weigh(i);
    w.nodes += c.nodes;
    w.bytes += c.bytes;
  }
  for (const auto& m : n.members) {
    const auto c = weigh(m.value);
    w.nodes += c.nodes;
    w.bytes += c.bytes + m.key.size();
  }
  return w;
}

// Turns yaml-cpp's events into a tree.
class tree_builder final : public YAML::EventHandler {
 public:
  tree_builder(const std::string& file, const yaml_limits& limits, diagnostics& errors)
      : file_(file), limits_(limits), errors_(errors) {}

  yaml_node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1)
      throw stop_parsing{mark, "a file must hold one document"};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    complete(at(mark, yaml_node::kind::null), anchor, mark);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    auto n = at(mark, yaml_node::kind::scalar);
    n.plain = tag != "!" && tag != string_tag;
    n.text = value;
    complete(std::move(n), anchor, mark);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end())
      throw stop_parsing{mark, "an alias must not refer to what contains it"};
    charge(found->second.size, mark);
    complete(found->second.node, 0, mark);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, yaml_node::kind::list, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, yaml_node::kind::map, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override {
    merge(levels_.back().node);
    close();
  }

 private:
  struct level {
    yaml_node node;
    YAML::anchor_t anchor = 0;
    YAML::Mark mark;
    bool have_key = false;
    bool drop_value = false;  // the key was refused; its value is read and forgotten
    std::set<std::string, std::less<>> keys;
  };
  struct anchored {
    yaml_node node;
    weight size;
  };

  yaml_node at(const YAML::Mark& mark, yaml_node::kind type) {
    yaml_node n;
    n.type = type;
    n.line = mark.line + 1;
    n.column = mark.column + 1;
    return n;
  }

  void charge(const weight& w, const YAML::Mark& mark) {
    used_.nodes += w.nodes;
    used_.bytes += w.bytes;
    if (used_.nodes > limits_.max_nodes)
      throw stop_parsing{mark, "more than " + std::to_string(limits_.max_nodes) + " values"};
    if (used_.bytes > limits_.max_expanded_bytes)
      throw stop_parsing{
          mark, "more than " + std::to_string(limits_.max_expanded_bytes) + " bytes of values"};
  }

  void open(const YAML::Mark& mark, yaml_node::kind type, YAML::anchor_t anchor) {
    if (levels_.size() >= limits_.max_depth)
      throw stop_parsing{mark,
                         "nested deeper than " + std::to_string(limits_.max_depth) + " levels"};
    charge({1, 0}, mark);
    level l;
    l.node = at(mark, type);
    l.anchor = anchor;
    l.mark = mark;
    levels_.push_back(std::move(l));
  }

  void close() {
    auto l = std::move(levels_.back());
    levels_.pop_back();
    place(std::move(l.node), l.anchor, l.mark);
  }

  void complete(yaml_node n, YAML::anchor_t anchor, const YAML::Mark& mark) {
    charge({1, n.text.size()}, mark);
    place(std::move(n), anchor, mark);
  }

  void place(yaml_node n, YAML::anchor_t anchor, const YAML::Mark& mark) {
    if (anchor != 0) {
      const auto size = weigh(n);
      charge(size, mark);
      anchors_[anchor] = {n, size};
    }
    if (levels_.empty()) {
      root_ = std::move(n);
      return;
    }
    auto& parent = levels_.back();
    if (parent.node.type == yaml_node::kind::list) {
      parent.node.items.push_back(std::move(n));
    } else if (!parent.have_key) {
      take_key(parent, n);
    } else {
      parent.have_key = false;
      if (!parent.drop_value)
        parent.node.members.back().value = std::move(n);
    }
  }

  void take_key(level& parent, const yaml_node& key) {
    parent.have_key = true;
    parent.drop_value = true;
    if (key.type != yaml_node::kind::scalar) {
      fail(key, path(), "a key must be a string");
      return;
    }
    const bool merges = key.plain && key.text == merge_key;
    if (!merges && !parent.keys.insert(key.text).second) {
      fail(key, child_path(path(), key.text), "key is already set in this mapping");
      return;
    }
    parent.drop_value = false;
    parent.node.members.push_back({key.text, key.line, key.column, {}});
  }

  // Where the innermost open level stands.
  std::string path() const {
    std::string out;
    for (size_t i = 0; i + 1 < levels_.size(); ++i) {
      const auto& n = levels_[i].node;
      if (n.type == yaml_node::kind::list)
        out = item_path(out, n.items.size());
      else if (!n.members.empty())
        out = child_path(out, n.members.back().key);
    }
    return out;
  }

  void fail(const yaml_node& where, std::string field, std::string message) {
    errors_.push_back({file_, where.line, where.column, std::move(field), std::move(message)});
  }

  // YAML 1.1 merge: members of the mapping (or list of mappings) under "<<" that are not set here.
  void merge(yaml_node& map) {
    for (size_t i = 0; i < map.members.size();) {
      if (map.members[i].key != merge_key) {
        ++i;
        continue;
      }
      auto from = std::move(map.members[i]);
      map.members.erase(map.members.begin() + static_cast<std::ptrdiff_t>(i));
      if (from.value.type == yaml_node::kind::map) {
        merge_members(map, from.value);
      } else if (from.value.type == yaml_node::kind::list) {
        for (const auto& item : from.value.items)
          merge_members(map, item);
      } else {
        errors_.push_back({file_, from.line, from.column, child_path(path(), merge_key),
                           "must be a mapping or a list of mappings"});
      }
    }
  }

  void merge_members(yaml_node& map, const yaml_node& from) {
    for (const auto& m : from.members)
      if (levels_.back().keys.insert(m.key).second)
        map.members.push_back(m);
  }

  const std::string& file_;
  const yaml_limits& limits_;
  diagnostics& errors_;
  yaml_node root_;
  std::vector<level> levels_;
  std::map<YAML::anchor_t, anchored> anchors_;
  weight used_;
  int documents_ = 0;
};

// yaml-cpp scans a whole flow collection into tokens before it parses it, so what could become a
// token is counted first.
bool too_many_tokens(std::string_view text, size_t limit) {
  constexpr std::string_view starts = "[{,?:-*&!\"'";
  const auto n = std::count_if(text.begin(), text.end(),
                               [&](char c) { return starts.find(c) != std::string_view::npos; });
  return static_cast<size_t>(n) > limit;
}

bool is_identifier(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '-';
  });
}

// Reads the next step of a path: a key, or an index into `index`. False at the end or on what no
// path looks like.
bool next_step(std::string_view& path, std::string& key, size_t& index, bool& is_index) {
  if (!path.empty() && path.front() == '.')
    path.remove_prefix(1);
  if (path.empty())
    return false;
  is_index = path.front() == '[' && path.size() > 1 && path[1] != '"';
  if (is_index) {
    const auto end = path.find(']');
    if (end == std::string_view::npos)
      return false;
    index = 0;
    for (const char c : path.substr(1, end - 1))
      index = index * 10 + static_cast<size_t>(c - '0');
    path.remove_prefix(end + 1);
    return true;
  }
  if (path.front() == '[') {
    const auto end = path.find("\"]");
    if (end == std::string_view::npos)
      return false;
    key = path.substr(2, end - 2);
    path.remove_prefix(end + 2);
    return true;
  }
  const auto end = std::min(path.find('.'), path.find('['));
  key = path.substr(0, end);
  path.remove_prefix(std::min(end, path.size()));
  return true;
}

}  // namespace

const yaml_node* yaml_node::find(std::string_view key) const {
  for (const auto& m : members)
    if (m.key == key)
      return &m.value;
  return nullptr;
}

bool parse_yaml(std::string_view text, const std::string& file, const yaml_limits& limits,
                yaml_node& root, diagnostics& errors) {
  const size_t before = errors.size();
  if (text.size() > limits.max_bytes || too_many_tokens(text, 2 * limits.max_nodes)) {
    errors.push_back({file, 0, 0, "",
                      "file is larger than " + std::to_string(limits.max_bytes) + " bytes or " +
                          std::to_string(limits.max_nodes) + " values"});
    return false;
  }
  tree_builder builder(file, limits, errors);
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
    root = builder.take();
  } catch (const stop_parsing& stop) {
    errors.push_back({file, stop.where.line + 1, stop.where.column + 1, "", stop.why});
  } catch (const YAML::Exception& e) {
    errors.push_back({file, e.mark.line + 1, e.mark.column + 1, "", "invalid YAML: " + e.msg});
  }
  return errors.size() == before;
}

std::string child_path(std::string_view parent, std::string_view key) {
  std::string out(parent);
  if (!is_identifier(key))
    return out + "[" + quoted(key) + "]";
  if (!out.empty())
    out += '.';
  out += key;
  return out;
}

std::string item_path(std::string_view parent, size_t index) {
  return std::string(parent) + "[" + std::to_string(index) + "]";
}

void locate(const yaml_node& root, diagnostic& where) {
  const yaml_node* n = &root;
  where.line = root.line;
  where.column = root.column;
  std::string_view path = where.field;
  std::string key;
  size_t index = 0;
  bool is_index = false;
  while (next_step(path, key, index, is_index)) {
    if (is_index) {
      if (index >= n->items.size())
        return;
      n = &n->items[index];
      where.line = n->line;
      where.column = n->column;
      continue;
    }
    const auto m = std::find_if(n->members.begin(), n->members.end(),
                                [&](const yaml_member& c) { return c.key == key; });
    if (m == n->members.end())
      return;
    where.line = m->line;
    where.column = m->column;
    n = &m->value;
  }
}

}  // namespace troupe::config
