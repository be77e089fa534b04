namespace Tiebreak.Verification;

/// <summary>Goes through the elements of an array in portions, several at a time, as each element is made on its own; an interruption is seen between two of them.</summary>
/// <param name="cancellation">Stops the work.</param>
sealed class Portions(CancellationToken cancellation)
{
    const int Work = 1 << 18; // of one portion: a few milliseconds

    /// <summary>Does all elements from 0 on.</summary>
    /// <param name="count">How many there are.</param>
    /// <param name="each">The work of one, in multiplications.</param>
    /// <param name="portion">Does the elements from the first up to and without the second.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void Of(int count, double each, Action<int, int> portion)
    {
        var size = (int)Math.Clamp(Work / Math.Max(1, each), 1, Work);
        var portions = (int)(((long)count + size - 1) / size);
        if (portions <= 1)
        {
            cancellation.ThrowIfCancellationRequested();
            if (count > 0) portion(0, count);
            return;
        }

        try
        {
            Parallel.For(0, portions, new ParallelOptions { CancellationToken = cancellation }, k => portion(k * size, (int)Math.Min(count, (long)(k + 1) * size)));
        }
        catch (AggregateException error)
        {
            // What stops one portion stops the evaluation, as it would have without the others.
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(error.InnerExceptions[0]);
        }
    }
}
