// file_sd: target groups from JSON and YAML files. A file that cannot be read or parsed keeps its
// last good groups; a file that is gone takes its groups with it. One owner.
#pragma once

#include "config/sd_config.h"
#include "storage/base/file_system.h"
#include "storage/base/result.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::discover {

class file_sd {
 public:
  /// `files` must outlive this.
  file_sd(config::file_sd_config config, file_system& files);

  const config::file_sd_config& config() const { return config_; }
  /// The folders to watch for changes.
  std::vector<std::string> folders() const;
  /// Reads all files again. True if the groups changed.
  bool refresh();
  /// All groups, files in order of their names, each with the label __meta_filepath.
  std::vector<config::target_group> groups() const;
  /// "path: reason" of every file whose last read failed.
  std::vector<std::string> errors() const;

 private:
  struct file {
    std::string content;  ///< of the last good read
    std::vector<config::target_group> groups;
    std::string error;
  };
  std::vector<std::string> list() const;
  /// True if the file's groups changed.
  bool read(const std::string& path, file& into);
  result<std::vector<config::target_group>> parse(const std::string& path,
                                                  std::string_view content) const;

  config::file_sd_config config_;
  file_system* files_;
  std::map<std::string, file> by_path_;
};

}  // namespace troupe::discover
