#include "scans/scan_options.h"

namespace thorlog {

ScanOptions scan_options(const ScanSettings& settings) {
  ScanOptions options;
  options.silence_suspect = settings.silence_suspect.count();
  options.silence_lost = settings.silence_lost.count();
  options.interrupt_grace = settings.interrupt_grace.count();
  options.start_merge = settings.start_merge.count();
  options.resume_window = settings.resume_window.count();
  options.asset_silent = settings.asset_silent.count();
  options.max_resumes = settings.max_resumes;
  options.max_scans = settings.max_scans;
  options.max_scans_per_peer = settings.max_scans_per_peer;
  return options;
}

}  // namespace thorlog
