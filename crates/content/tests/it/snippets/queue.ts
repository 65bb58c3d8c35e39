export interface Job<T> {
  readonly id: string;
  payload: T;
  attempts?: number;
}

export type State = 'queued' | 'running' | 'done' | 'dead' | 'cancelled';

export enum Priority { Low = 1, Normal = 2, High = 3, Urgent = 4 }

namespace Store {
  export abstract class Base<T> {
    private readonly jobs: Map<string, Job<T>> = new Map();
    onClaim = (job: Job<T>): void => { console.log("claimed", job.id); };
    abstract close(): Promise<void>;
    claim(id: string): Job<T> | undefined {
      const job = this.jobs.get(id);
      this.jobs.delete(id);
      return job;
    }
  }
}

export function open(path: string): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, path.length));
}
