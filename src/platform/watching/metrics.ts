import { Injectable, type OnApplicationShutdown } from '@nestjs/common'
import type { Attributes, Counter, Histogram } from '@opentelemetry/api'
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

/** What an operator watches. Names are Prometheus names with their unit: `latchkey_cut_lag_seconds`. */
@Injectable()
export class Metrics implements OnApplicationShutdown {
  private readonly exporter = new PrometheusExporter({ preventServerStart: true })
  private readonly provider = new MeterProvider({ readers: [this.exporter] })
  private readonly meter = this.provider.getMeter('latchkey')
  private readonly serializer = new PrometheusSerializer('', false, undefined, true, true)

  counter(name: string, description: string): Counter {
    return this.meter.createCounter(name, { description })
  }

  histogram(name: string, description: string, boundaries: number[] = SECONDS): Histogram {
    return this.meter.createHistogram(name, { description, advice: { explicitBucketBoundaries: boundaries } })
  }

  /** `observe` is asked at every scrape; it yields one value per set of attributes. */
  gauge(
    name: string,
    description: string,
    observe: () => Promise<readonly (readonly [number, Attributes?])[]> | readonly (readonly [number, Attributes?])[],
  ): void {
    this.meter.createObservableGauge(name, { description }).addCallback(async (result) => {
      for (const [value, attributes] of await observe()) result.observe(value, attributes)
    })
  }

  async text(): Promise<string> {
    const { resourceMetrics } = await this.exporter.collect()
    return this.serializer.serialize(resourceMetrics)
  }

  async onApplicationShutdown(): Promise<void> {
    await this.provider.shutdown()
  }
}
