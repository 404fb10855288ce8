// thorlogd: the daemon. Arguments, then the order of a life on one screen: see daemon_main() in admin/service.h.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "admin/service.h"
#include "config/load.h"
#include "config/report.h"
#include "inputs/input_tls.h"
#include "pipeline/scan_thread.h"

namespace {

constexpr int kBadArguments = 2;

int print_errors(const std::vector<thorlog::ConfigError>& errors) {
  for (const thorlog::ConfigError& error : errors) std::fprintf(stderr, "%s\n", error.message().c_str());
  return kBadArguments;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Log ingestion for THOR scans: accepts syslog, joins cut lines, journals, forwards."};
  std::string path = "/etc/thorlogd/thorlogd.yaml";
  bool check = false;
  bool print_config = false;
  bool version = false;
  app.add_option("--config", path, "the configuration file")->capture_default_str();
  app.add_flag("--check", check, "check the configuration and say what would run; touches nothing");
  app.add_flag("--print-config", print_config, "print the commented default configuration");
  app.add_flag("--version", version, "print the version");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kBadArguments;
  }
  if (version) {
    std::printf("thorlogd %s\n", thorlog::kVersion);
    return 0;
  }
  if (print_config) {
    std::fputs(thorlog::default_config_text().c_str(), stdout);
    return 0;
  }
  const thorlog::LoadedSettings settings = thorlog::load_settings(path);
  if (!settings) return print_errors(settings.errors());
  if (const auto rules = thorlog::load_rules(settings->scans); !rules) {
    std::fprintf(stderr, "%s\n", rules.error().message().c_str());
    return kBadArguments;
  }
  if (const auto usable = thorlog::check_input_tls(settings->inputs); !usable) {
    std::fprintf(stderr, "%s\n", usable.error().message().c_str());
    return kBadArguments;
  }
  if (check) {
    std::fputs(thorlog::check_report(*settings).c_str(), stdout);
    return 0;
  }
  return thorlog::run_service(*settings, path);
}
