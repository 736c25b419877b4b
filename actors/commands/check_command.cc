#include "actors/commands/commands.h"
#include "actors/services.h"
#include "config/check.h"

#include <ostream>

namespace troupe::actors {

int run_check_config(const config::check_config_command& c, file_system& fs, std::ostream& out,
                     std::ostream& err) {
  std::string good, bad;
  int code = config::check_config_files(c, fs, load_options_of({}), good, bad);
  out << good;
  err << bad;
  return code;
}

}  // namespace troupe::actors
