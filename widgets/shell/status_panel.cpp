// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/shell/status_panel.h"

#include <QFile>
#include <QHBoxLayout>
#include <QLabel>
#include <QProgressBar>
#include <QTimer>

#ifdef __linux__
#include <unistd.h>
#endif

#include "widgets/base/buttons.h"
#include "widgets/base/icons.h"
#include "widgets/base/layout.h"
#include "widgets/base/text.h"
#include "widgets/base/theme.h"
#include "widgets/runs/catalogue.h"
#include "widgets/services/sweep_service.h"

namespace ts {
namespace {

/// Bytes this process has in memory, and the machine's memory; 0 where the system does not tell.
double residentBytes() {
#ifdef __linux__
  QFile file(QStringLiteral("/proc/self/statm"));
  if (!file.open(QIODevice::ReadOnly)) return 0;
  return file.readAll().split(' ').value(1).toDouble() * static_cast<double>(sysconf(_SC_PAGESIZE));
#else
  return 0;
#endif
}

double machineLoad() {
  double load = 0;
#ifdef __linux__
  if (getloadavg(&load, 1) != 1) return -1;
  return load / static_cast<double>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
#else
  return -1;
#endif
}

}  // namespace

StatusPanel::StatusPanel(SweepService& sweeps, RunCatalogue& catalogue, QWidget* parent)
    : QWidget(parent), sweeps_(sweeps), catalogue_(catalogue) {
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(0, 0, space::kSmall, 0);
  row->setSpacing(space::kSmall);
  stateIcon_ = new QLabel;
  state_ = new QLabel;
  state_->setAccessibleName(tr("Worker"));
  bar_ = new QProgressBar;
  bar_->setFixedWidth(130);
  bar_->setMaximumHeight(14);
  bar_->setRange(0, 1000);
  bar_->setTextVisible(false);
  bar_->setAccessibleName(tr("Progress of the sweep"));
  eta_ = mutedLabel({});
  eta_->setWordWrap(false);
  pause_ = iconButton(QStringLiteral("pause"), tr("Pause the sweep"));
  cancel_ = iconButton(QStringLiteral("stop"), tr("Cancel the sweep"));
  noise_ = mutedLabel({});
  memory_ = mutedLabel({});
  for (QLabel* label : {noise_, memory_}) label->setWordWrap(false);
  memory_->setToolTip(tr("Memory of this program"));
  for (QWidget* widget : std::initializer_list<QWidget*>{stateIcon_, state_, bar_, eta_, pause_, cancel_}) row->addWidget(widget);
  row->addSpacing(space::kSmall);
  row->addWidget(noise_);
  row->addSpacing(space::kSmall);
  row->addWidget(memory_);

  connect(pause_, &QToolButton::clicked, this, [this] { sweeps_.progress().paused ? sweeps_.resume() : sweeps_.pause(); });
  connect(cancel_, &QToolButton::clicked, &sweeps_, &SweepService::cancel);
  connect(&sweeps_, &SweepService::started, this, &StatusPanel::refresh);
  connect(&sweeps_, &SweepService::progressed, this, &StatusPanel::refresh);
  connect(&sweeps_, &SweepService::finished, this, &StatusPanel::refresh);
  connect(&sweeps_, &SweepService::failed, this, &StatusPanel::refresh);
  auto* timer = new QTimer(this);
  connect(timer, &QTimer::timeout, this, &StatusPanel::measure);
  timer->start(2000);
  measure();
  refresh();
}

void StatusPanel::setActivity(const QString& what) {
  activity_ = what;
  refresh();
}

QString StatusPanel::stateText() const { return state_->text(); }

void StatusPanel::refresh() {
  const bool sweeping = sweeps_.running();
  const SweepProgress& p = sweeps_.progress();
  for (QWidget* widget : std::initializer_list<QWidget*>{bar_, eta_, pause_, cancel_}) widget->setVisible(sweeping);
  if (sweeping) {
    const auto ended = p.done + p.reused + p.refused + p.failed;
    const QString current = p.current.empty() ? tr("preparing") : text(p.current).simplified();
    state_->setText(p.paused ? tr("Paused at %1 of %2").arg(ended).arg(p.plans)
                             : p.plans ? tr("%1 of %2: %3").arg(ended).arg(p.plans).arg(fontMetrics().elidedText(current, Qt::ElideRight, 260)) : tr("Preparing the sweep"));
    state_->setToolTip(current);
    bar_->setValue(static_cast<int>(p.fraction * 1000));
    eta_->setText(p.secondsLeft >= 0 ? tr("%1 left").arg(durationText(p.secondsLeft)) : tr("time not known yet"));
    pause_->setIcon(icon(p.paused ? QStringLiteral("play") : QStringLiteral("pause")));
    pause_->setToolTip(p.paused ? tr("Continue the sweep") : tr("Pause the sweep"));
  } else {
    state_->setText(activity_.isEmpty() ? tr("Idle") : activity_);
  }
  const Tone tone = sweeping ? (p.paused ? Tone::Warning : Tone::Busy) : activity_.isEmpty() ? Tone::Neutral : Tone::Busy;
  const QString name = sweeping && p.paused ? QStringLiteral("pause") : sweeping || !activity_.isEmpty() ? QStringLiteral("running") : QStringLiteral("cpu");
  stateIcon_->setPixmap(icon(name, toneColour(tone, palette())).pixmap(QSize(16, 16), devicePixelRatioF()));
}

void StatusPanel::measure() {
  memory_->setText(tr("Memory %1").arg(bytesText(residentBytes())));
  const double load = machineLoad();
  noise_->setVisible(load >= 0);
  const bool high = load > 0.6 && !sweeps_.running();
  noise_->setText(high ? tr("Noise: high") : tr("Noise: low"));
  noise_->setToolTip(tr("Load of the machine per core: %1. Measure latency when nothing else runs.").arg(load, 0, 'f', 2));
}

}  // namespace ts
