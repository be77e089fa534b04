using Tiebreak.Formats.Tables;

namespace Tiebreak.Training;

/// <summary>Parameters on their way, whatever numbers they are. Parameters are counted over all tensors, row-major.</summary>
interface ITrajectory : IDisposable
{
    /// <summary>Takes one step; the loss of the batch before it, or null where numbers have no order.</summary>
    /// <exception cref="TiebreakException">The gradient is no longer finite, or divides by zero.</exception>
    double? Step(SampleBlock batch);

    /// <summary>|θa − sign·θb|. Where numbers have no size: 0 if equal, 1 if not.</summary>
    double Distance(int a, int b, int sign);

    /// <summary>How far a parameter is from its start; as for <see cref="Distance"/>.</summary>
    double Movement(int parameter);

    /// <summary>A parameter's value; 0 where numbers have no size.</summary>
    double Value(int parameter);

    /// <summary>Whether distances are exact, so that the least one tells apart.</summary>
    bool IsExact { get; }
}
