using System;
using Jobs = System.Collections.Generic.List<int>;

namespace Warm.Queues;

public delegate void Claimed(int id);

public enum State { Queued, Done }

public interface IQueue<T> : IDisposable
{
    T Claim(int id);
    int Count { get; }
}

[Serializable]
public sealed class Queue<T> : Base<T>, IQueue<T> where T : Job
{
    public const int Limit = 3;
    private static readonly object Gate = new object(), Lock = new();
    private int size, taken;
    public event EventHandler<Job> Opened;

    public Queue(string path) : base(path)
    {
        int local = 3;
    }

    public int Count => size;

    /// Takes the first.
    public T Claim(int id)
    {
        bool Fits(Job job) => job.Id == id;
        return jobs.First(Fits).Open<T>();
    }

    void IDisposable.Dispose() { }

    public struct Slot
    {
        public int At;
    }
}

public record Worker(string Name);
