// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/charts/plot_view.h"

#include <QCoreApplication>
#include <QEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QRubberBand>
#include <QTimer>
#include <QToolTip>
#include <QVBoxLayout>
#include <QtCharts/QCategoryAxis>
#include <QtCharts/QChart>
#include <QtCharts/QChartView>
#include <QtCharts/QLegend>
#include <QtCharts/QLineSeries>
#include <QtCharts/QScatterSeries>
#include <cmath>

#include "widgets/base/theme.h"
#include "widgets/charts/plot_axis.h"
#include "widgets/charts/plot_overlay.h"

namespace ts {
namespace {

QScatterSeries::MarkerShape shapeOf(Marker marker) {
  switch (marker) {
    case Marker::Circle: return QScatterSeries::MarkerShapeCircle;
    case Marker::Square: return QScatterSeries::MarkerShapeRectangle;
    case Marker::Diamond: return QScatterSeries::MarkerShapeRotatedRectangle;
    case Marker::Triangle: return QScatterSeries::MarkerShapeTriangle;
    case Marker::Star: return QScatterSeries::MarkerShapeStar;
    case Marker::Pentagon: return QScatterSeries::MarkerShapePentagon;
  }
  return QScatterSeries::MarkerShapeCircle;
}

constexpr int kSide = 16;  ///< left and right of the legend

/// The chart library's axis, remade from a scale. Category axes take labels at any place, so ticks are ours.
void applyScale(QCategoryAxis& axis, const AxisScale& scale) {
  for (const QString& label : axis.categoriesLabels()) axis.remove(label);
  axis.setRange(scale.low, scale.high);
  axis.setStartValue(scale.low - (scale.high - scale.low));
  for (const auto& tick : scale.ticks) axis.append(tick.label, tick.position);
}

}  // namespace

bool drawable(const PlotData& data, const PlotPoint& point) {
  return std::isfinite(point.x) && std::isfinite(point.y) && (!data.x.logarithmic || point.x > 0) && (!data.y.logarithmic || point.y > 0);
}

struct PlotView::Impl {
  QChart* chart = nullptr;
  QChartView* view = nullptr;
  QCategoryAxis *xAxis = nullptr, *yAxis = nullptr;
  PlotOverlay* overlay = nullptr;
  QRubberBand* band = nullptr;
  QPoint pressed;
  bool brushing = false, waiting = false;
  AxisScale xScale, yScale;

  QPointF map(double x, double y) const {
    const QRectF area = chart->plotArea();
    const double u = (xScale.position(x) - xScale.low) / (xScale.high - xScale.low);
    const double v = (yScale.position(y) - yScale.low) / (yScale.high - yScale.low);
    return {area.left() + u * area.width(), area.bottom() - v * area.height()};
  }
};

PlotView::PlotView(QWidget* parent) : QWidget(parent), impl_(std::make_unique<Impl>()) {
  auto& m = *impl_;
  m.chart = new QChart;
  m.chart->setAnimationOptions(QChart::NoAnimation);
  m.chart->setBackgroundVisible(false);
  m.chart->setMargins(QMargins(4, 4, 12, 4));
  m.chart->layout()->setContentsMargins(0, 0, 0, 0);
  m.chart->legend()->hide();
  m.xAxis = new QCategoryAxis;
  m.yAxis = new QCategoryAxis;
  m.chart->addAxis(m.xAxis, Qt::AlignBottom);
  m.chart->addAxis(m.yAxis, Qt::AlignLeft);
  for (QCategoryAxis* axis : {m.xAxis, m.yAxis}) {
    axis->setLabelsPosition(QCategoryAxis::AxisLabelsPositionOnValue);
    axis->setTruncateLabels(false);
  }
  m.view = new QChartView(m.chart, this);
  m.view->setRenderHint(QPainter::Antialiasing);
  m.view->setFrameShape(QFrame::NoFrame);
  m.view->setFocusPolicy(Qt::NoFocus);
  m.view->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  m.view->setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  m.view->setBackgroundBrush(Qt::NoBrush);
  m.view->viewport()->setAutoFillBackground(false);
  m.view->viewport()->setMouseTracking(true);
  m.view->viewport()->installEventFilter(this);
  m.overlay = new PlotOverlay(m.chart);
  m.band = new QRubberBand(QRubberBand::Rectangle, m.view->viewport());
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addWidget(m.view);
  setFocusPolicy(Qt::StrongFocus);
  setMinimumSize(280, 200);
  connect(m.chart, &QChart::plotAreaChanged, this, [this] {
    PlotOverlay::State state = impl_->overlay->state();
    state.plotArea = impl_->chart->plotArea();
    state.legendArea = legendArea();
    impl_->overlay->set(std::move(state));
  });
}

PlotView::~PlotView() = default;

void PlotView::setData(PlotData data) {
  data_ = std::move(data);
  schedule();
}

void PlotView::setSelected(const QList<std::int64_t>& ids) {
  selected_ = ids;
  PlotOverlay::State state = impl_->overlay->state();
  state.selected = ids;
  impl_->overlay->set(std::move(state));
}

void PlotView::schedule() {
  if (std::exchange(impl_->waiting, true)) return;
  QTimer::singleShot(40, this, &PlotView::flush);
}

void PlotView::flush() {
  if (!std::exchange(impl_->waiting, false)) return;
  rebuild();
}

void PlotView::rebuild() {
  auto& m = *impl_;
  const QPalette colours = palette();
  const QColor ink = colours.color(QPalette::Text), muted = mutedText(colours);

  double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
  for (const PlotPoint& p : data_.points) {
    if (!drawable(data_, p) || (data_.focusOnFront && !p.onFront)) continue;
    low[0] = std::min(low[0], p.x), high[0] = std::max(high[0], p.x);
    low[1] = std::min(low[1], p.y), high[1] = std::max(high[1], p.y);
  }
  const auto scaleOf = [&](int i, const PlotAxis& axis) {
    double from = low[i], to = high[i];
    if (axis.limit && !data_.focusOnFront && (!axis.logarithmic || *axis.limit > 0)) from = std::min(from, *axis.limit), to = std::max(to, *axis.limit);
    if (!(from <= to)) from = axis.logarithmic ? 1 : 0, to = axis.logarithmic ? 10 : 1;
    return makeScale(from, to, axis.logarithmic, axis.label, i == 0 ? 7 : 6);
  };
  m.xScale = scaleOf(0, data_.x);
  m.yScale = scaleOf(1, data_.y);

  m.chart->removeAllSeries();
  const auto attach = [&](QXYSeries* series, QList<QPointF> points) {
    series->replace(points);
    m.chart->addSeries(series);
    series->attachAxis(m.xAxis);
    series->attachAxis(m.yAxis);
  };

  QList<QPointF> stairs;  // what is attainable: the next better y comes only at its own x
  for (const int i : data_.front) {
    const PlotPoint& p = data_.points[i];
    if (!drawable(data_, p)) continue;
    const QPointF at(m.xScale.position(p.x), m.yScale.position(p.y));
    if (!stairs.isEmpty()) stairs << (data_.x.higherIsBetter ? QPointF(stairs.last().x(), at.y()) : QPointF(at.x(), stairs.last().y()));
    stairs << at;
  }
  auto* line = new QLineSeries;
  line->setPen(QPen(muted, 1.4));
  attach(line, stairs);

  for (int s = 0; s < data_.series.size(); ++s) {
    const PlotSeries& kind = data_.series[s];
    QList<QPointF> front, behind, outside;
    for (const PlotPoint& p : data_.points) {
      if (p.series != s || !drawable(data_, p)) continue;
      (p.onFront ? front : p.feasible ? behind : outside) << QPointF(m.xScale.position(p.x), m.yScale.position(p.y));
    }
    const QColor colour = seriesColour(kind.colour, colours);
    const auto scatter = [&](const QList<QPointF>& points, double size, float opacity, bool hollow) {
      auto* series = new QScatterSeries;
      series->setMarkerShape(shapeOf(kind.marker));
      series->setMarkerSize(size);
      QColor fill = colour;
      fill.setAlphaF(opacity);
      series->setBrush(hollow ? QBrush(Qt::transparent) : QBrush(fill));
      series->setPen(hollow ? QPen(fill, 1.4) : QPen(colours.color(QPalette::Base), 1));
      attach(series, points);
    };
    scatter(outside, 8, 0.4f, true);
    scatter(behind, 9, 0.55f, true);
    scatter(front, 13, 1.0f, false);
  }

  applyScale(*m.xAxis, m.xScale);
  applyScale(*m.yAxis, m.yScale);
  const auto towards = [](const PlotAxis& axis, bool vertical) {
    if (axis.title.isEmpty()) return QString();
    return axis.title + QStringLiteral("   ") + (vertical == axis.higherIsBetter ? (vertical ? QStringLiteral("better →") : QStringLiteral("← better"))
                                                                                : (vertical ? QStringLiteral("← better") : QStringLiteral("better →")));
  };
  m.xAxis->setTitleText(towards(data_.x, false));
  m.yAxis->setTitleText(towards(data_.y, true));
  QColor grid = borderColour(colours);
  grid.setAlphaF(0.55f);
  QFont bold = font();
  bold.setWeight(QFont::DemiBold);
  for (QCategoryAxis* axis : {m.xAxis, m.yAxis}) {
    axis->setLabelsBrush(muted);
    axis->setLabelsFont(font());
    axis->setTitleBrush(ink);
    axis->setTitleFont(bold);
    axis->setGridLinePen(QPen(grid, 1));
    axis->setLinePen(QPen(borderColour(colours), 1));
  }
  placeLegend();

  PlotOverlay::State state;
  state.data = &data_;
  state.selected = selected_;
  state.plotArea = m.chart->plotArea();
  state.legendArea = legendArea();
  state.palette = colours;
  state.font = font();
  state.map = [this](double x, double y) { return impl_->map(x, y); };
  m.overlay->set(std::move(state));
}

QRectF PlotView::legendArea() const { return QRectF(kSide, 6, std::max(100, width() - 2 * kSide), 0); }

void PlotView::placeLegend() {
  const int height = static_cast<int>(std::ceil(legendHeight(data_, font(), legendArea().width())));
  impl_->chart->setMargins(QMargins(4, 6 + height, 12, 4));
}

void PlotView::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  placeLegend();
}

QPointF PlotView::positionOf(std::int64_t id) const {
  for (const PlotPoint& p : data_.points)
    if (p.id == id && drawable(data_, p)) return impl_->view->mapTo(const_cast<PlotView*>(this), impl_->view->mapFromScene(impl_->map(p.x, p.y)));
  return {};
}

const PlotPoint* PlotView::nearest(const QPoint& at, double radius) const {
  const PlotPoint* best = nullptr;
  double bestDistance = radius;
  for (const PlotPoint& p : data_.points) {
    if (!drawable(data_, p)) continue;
    const QPointF d = impl_->map(p.x, p.y) - impl_->view->mapToScene(at);
    const double distance = std::hypot(d.x(), d.y()) - (p.onFront ? 2 : 0);
    if (distance < bestDistance) bestDistance = distance, best = &p;
  }
  return best;
}

void PlotView::render(QPainter& painter, const QRectF& target) {
  flush();
  // Titles, ticks and legend are placed by events that have not been delivered to a view made a moment ago.
  for (int round = 0; round < 3; ++round) QCoreApplication::sendPostedEvents(nullptr, QEvent::LayoutRequest), QCoreApplication::sendPostedEvents(impl_->chart);
  impl_->view->scene()->render(&painter, target, impl_->chart->geometry());
}

void PlotView::keyPressEvent(QKeyEvent* event) {
  const int step = event->key() == Qt::Key_Right || event->key() == Qt::Key_Up ? 1 : event->key() == Qt::Key_Left || event->key() == Qt::Key_Down ? -1 : 0;
  const std::int64_t current = selected_.isEmpty() ? 0 : selected_.last();
  if (step && !data_.front.isEmpty()) {
    int at = -1;
    for (int i = 0; i < data_.front.size(); ++i)
      if (data_.points[data_.front[i]].id == current) at = i;
    const auto last = static_cast<int>(data_.front.size()) - 1;
    const int next = at < 0 ? (step > 0 ? 0 : last) : std::clamp(at + step, 0, last);
    Q_EMIT picked(data_.points[data_.front[next]].id, false);
  } else if ((event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) && current) {
    Q_EMIT activated(current);
  } else {
    QWidget::keyPressEvent(event);
  }
}

void PlotView::changeEvent(QEvent* event) {
  if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) schedule();
  QWidget::changeEvent(event);
}

bool PlotView::eventFilter(QObject* watched, QEvent* event) {
  auto& m = *impl_;
  const auto type = event->type();
  if (type == QEvent::MouseMove) {
    const QPoint at = static_cast<QMouseEvent*>(event)->pos();
    if (m.brushing || (static_cast<QMouseEvent*>(event)->buttons() & Qt::LeftButton && (at - m.pressed).manhattanLength() > 6)) {
      m.brushing = true;
      m.band->setGeometry(QRect(m.pressed, at).normalized());
      m.band->show();
      return true;
    }
    const PlotPoint* point = nearest(at, 12);
    m.overlay->setHovered(point ? point->id : 0);
    m.view->viewport()->setCursor(point ? Qt::PointingHandCursor : Qt::ArrowCursor);
    if (point) {
      const auto value = [](const PlotAxis& axis, double v, double e) {
        QString t = axis.title + QStringLiteral(": ") + (axis.label ? axis.label(v) : QString::number(v));
        if (e > 0) t += QStringLiteral(" ± ") + (axis.label ? axis.label(e) : QString::number(e));
        return t;
      };
      QToolTip::showText(static_cast<QMouseEvent*>(event)->globalPosition().toPoint(),
                         point->label + QLatin1Char('\n') + value(data_.x, point->x, point->xError) + QLatin1Char('\n') +
                             value(data_.y, point->y, point->yError) + (point->onFront ? QLatin1Char('\n') + tr("on the front") : QString()),
                         m.view->viewport());
    } else {
      QToolTip::hideText();
    }
  } else if (type == QEvent::MouseButtonPress && static_cast<QMouseEvent*>(event)->button() == Qt::LeftButton) {
    setFocus(Qt::MouseFocusReason);
    m.pressed = static_cast<QMouseEvent*>(event)->pos();
    return true;
  } else if (type == QEvent::MouseButtonRelease && static_cast<QMouseEvent*>(event)->button() == Qt::LeftButton) {
    const auto* mouse = static_cast<QMouseEvent*>(event);
    if (std::exchange(m.brushing, false)) {
      const QRectF frame = m.view->mapToScene(m.band->geometry()).boundingRect();
      m.band->hide();
      QList<std::int64_t> inside;
      for (const PlotPoint& p : data_.points)
        if (drawable(data_, p) && frame.contains(m.map(p.x, p.y))) inside << p.id;
      Q_EMIT brushed(inside);
    } else if (const PlotPoint* point = nearest(mouse->pos(), 14)) {
      Q_EMIT picked(point->id, mouse->modifiers() & Qt::ControlModifier);
    }
    return true;
  } else if (type == QEvent::MouseButtonDblClick) {
    if (const PlotPoint* point = nearest(static_cast<QMouseEvent*>(event)->pos(), 14)) Q_EMIT activated(point->id);
    return true;
  } else if (type == QEvent::Leave) {
    m.overlay->setHovered(0);
  }
  return QWidget::eventFilter(watched, event);
}

}  // namespace ts
