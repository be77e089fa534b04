namespace Tiebreak.Tests.Repairs;

/// <summary>Interrupts a run at its n-th report of progress.</summary>
sealed class CancelAfter(int reports, CancellationTokenSource source) : IProgress<CheckProgress>
{
    int _left = reports;

    public void Report(CheckProgress value)
    {
        if (--_left == 0) source.Cancel();
    }
}
