namespace Tiebreak.Repairs;

/// <summary>One way to give start values that training can pull apart. Methods follow each other; each goes on from what the one before has left.</summary>
interface IRepairMethod
{
    /// <summary>What it makes of a model in repair; the same state if there is nothing that it can do.</summary>
    /// <param name="state">The model as it is by now.</param>
    /// <param name="setting">Options, and how values are made exact.</param>
    /// <exception cref="OperationCanceledException">Cancelled through the options.</exception>
    RepairState Apply(RepairState state, RepairSetting setting);
}

/// <summary>Which methods make up what a user asks for.</summary>
static class RepairMethods
{
    /// <summary>The methods in the order they are applied. Zero factors come first whatever is asked for: freeing them keeps the function.</summary>
    public static IReadOnlyList<IRepairMethod> Of(RepairMethod method) => method switch
    {
        RepairMethod.Noise => [new FreeFactors(), new AddNoise()],
        RepairMethod.Reinit => [new FreeFactors(), new Reinitialise()],
        RepairMethod.Split => [new FreeFactors(), new Split(), new SplitSums()],
        _ => [new FreeFactors(), new Split(), new SplitSums(), new Reinitialise()],
    };
}
